import { useState } from 'preact/hooks';
import type { AdminStream } from '../../../../../clients/typescript/src/index.ts';
import { Confirm } from '../elements/confirm.tsx';
import { TextField } from '../elements/fields.tsx';
import { ErrorNotice, Progress } from '../elements/notices.tsx';
import { between, duration } from '../format.ts';
import { useAction, useLoaded, useNow } from '../loading.ts';
import { linkTo } from '../router.ts';
import { texts } from '../texts.ts';
import type { Admin } from './service.ts';

const PAGE = 100;

/** Active streams of all users; any can be stopped, and its user blocked. */
export function StreamsPart({ admin }: { admin: Admin }) {
  const [isLive, setLive] = useState(true);
  const [limit, setLimit] = useState(PAGE);
  const [asked, setAsked] = useState<{ stream: AdminStream; to: 'stop' | 'block' } | null>(null);
  const [reason, setReason] = useState('');
  const { error: failed, run } = useAction();
  const { value, error, reload } = useLoaded((signal) => admin.streams.list({ ...(isLive && { live: true }), limit }, { signal }), [admin, isLive, limit], 2_000);
  const words = texts.operate.streams;
  const act = (step: () => Promise<unknown>) => (setAsked(null), run(async () => (await step(), reload())));
  return (
    <section class="panel" aria-labelledby="part">
      <h2 id="part">{texts.operate.tabs.streams}</h2>
      <label class="check">
        <input type="checkbox" checked={isLive} onChange={(event) => setLive(event.currentTarget.checked)} />
        {words.onlyLive}
      </label>
      <ErrorNotice error={failed ?? error} />
      {!value && !error && <Progress />}
      {value?.streams.length === 0 && <p>{words.none}</p>}
      {value && value.streams.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={words.caption}>
          <table>
            <caption class="visually-hidden">{words.caption}</caption>
            <thead>
              <tr>
                {[words.user, words.stream, words.server, words.address, words.duration, words.expires, words.actions].map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {value.streams.map((stream) => (
                <Row key={stream.id} stream={stream} onAsk={(to) => (setReason(''), setAsked({ stream, to }))} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {value?.next_cursor !== undefined && (
        <button type="button" onClick={() => setLimit((last) => Math.min(last + PAGE, 1000))}>
          {texts.actions.more}
        </button>
      )}
      {asked?.to === 'stop' && (
        <Confirm
          title={words.stopTitle(String(asked.stream.user_id ?? '?'))}
          text={words.stopText}
          confirm={words.stop}
          onCancel={() => setAsked(null)}
          onConfirm={() => act(() => admin.streams.stop(asked.stream.id))}
        />
      )}
      {asked?.to === 'block' && asked.stream.user_id !== null && (
        <Confirm
          title={texts.operate.users.blockTitle(String(asked.stream.user_id))}
          text={texts.operate.users.blockText}
          confirm={texts.operate.users.block}
          onCancel={() => setAsked(null)}
          onConfirm={() => act(() => admin.users.block(asked.stream.user_id ?? 0, reason.trim() || null))}
        >
          <TextField label={texts.operate.users.reason} hint={texts.operate.users.reasonHint} limit={500} value={reason} onInput={setReason} />
        </Confirm>
      )}
    </section>
  );
}

function Row({ stream, onAsk }: { stream: AdminStream; onAsk: (to: 'stop' | 'block') => void }) {
  const now = useNow();
  const words = texts.operate.streams;
  const user = String(stream.user_id ?? '?');
  return (
    <tr>
      <td>{user}</td>
      <td>
        <a dir="auto" href={linkTo(['watch', stream.playback_id])}>
          {stream.title ?? texts.live.untitled}
        </a>
      </td>
      <td>{stream.session?.server ?? '–'}</td>
      <td>{stream.session?.address ?? '–'}</td>
      <td>{stream.live_since ? duration(between(stream.live_since, now)) : words.notLive}</td>
      <td>{duration(between(now, stream.expires_at))}</td>
      <td>
        <div class="row">
          <button type="button" aria-label={`${words.stop}: ${user}`} onClick={() => onAsk('stop')}>
            {words.stop}
          </button>
          {stream.user_id !== null && (
            <button type="button" aria-label={`${words.block}: ${user}`} onClick={() => onAsk('block')}>
              {words.block}
            </button>
          )}
        </div>
      </td>
    </tr>
  );
}
