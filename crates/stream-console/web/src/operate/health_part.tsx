import { ErrorNotice, Progress } from '../elements/notices.tsx';
import { moment } from '../format.ts';
import { useLoaded } from '../loading.ts';
import { texts } from '../texts.ts';
import type { Admin } from './service.ts';

/** What the doctor sees, and what to do about it. */
export function HealthPart({ admin }: { admin: Admin }) {
  const { value, error, reload } = useLoaded((signal) => admin.health({ signal }), [admin], 30_000);
  const words = texts.operate.health;
  return (
    <section class="panel" aria-labelledby="part">
      <h2 id="part">{texts.operate.tabs.health}</h2>
      <ErrorNotice error={error} again={reload} />
      {!value && !error && <Progress text={words.running} />}
      {value && <p class="small">{words.examined(moment(value.examined_at))}</p>}
      <ul class="rows">
        {value?.findings.map(({ subject, state, what, cure }) => (
          <li key={`${subject} ${what}`}>
            <div>
              <h3>
                {subject} <span class={state === 'ok' ? 'badge' : `badge ${state}`}>{words.states[state] ?? state}</span>
              </h3>
              <p>{what}</p>
              {cure && <p class="small">{words.cure(cure)}</p>}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
