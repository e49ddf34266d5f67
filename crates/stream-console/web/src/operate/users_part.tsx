import { useState } from 'preact/hooks';
import { TextField } from '../elements/fields.tsx';
import { ErrorNotice, Progress, Told } from '../elements/notices.tsx';
import { moment } from '../format.ts';
import { useAction, useLoaded } from '../loading.ts';
import { texts } from '../texts.ts';
import type { Admin } from './service.ts';

/** Who may not broadcast, and why. */
export function UsersPart({ admin }: { admin: Admin }) {
  const [user, setUser] = useState('');
  const [reason, setReason] = useState('');
  const [told, setTold] = useState('');
  const { isBusy, error: failed, run } = useAction();
  const { value, error, reload } = useLoaded((signal) => admin.users.blocked({ limit: 1000 }, { signal }), [admin], 10_000);
  const words = texts.operate.users;
  const block = async () => {
    const blocked = await admin.users.block(Number(user), reason.trim() || null);
    setTold(words.blocked(user, blocked.stopped_stream_id !== null));
    setUser('');
    setReason('');
    reload();
  };
  const unblock = (id: number) => async () => {
    await admin.users.unblock(id);
    setTold(words.unblocked(String(id)));
    reload();
  };
  return (
    <section class="panel">
      <form onSubmit={(event) => (event.preventDefault(), run(block))}>
        <h2>{words.title}</h2>
        <p class="small">{words.blockText}</p>
        <div class="columns">
          <TextField label={words.id} type="number" required value={user} onInput={setUser} />
          <TextField label={words.reason} hint={words.reasonHint} limit={500} value={reason} onInput={setReason} />
        </div>
        <button type="submit" class="danger" disabled={isBusy || !/^[1-9]\d*$/.test(user)}>
          {isBusy ? texts.broadcast.working : words.block}
        </button>
        <Told text={told} />
        <ErrorNotice error={failed ?? error} />
      </form>
      {!value && !error && <Progress />}
      {value?.users.length === 0 && <p>{words.none}</p>}
      <ul class="rows">
        {value?.users.map(({ user_id, reason: why, blocked_at }) => (
          <li key={user_id}>
            <div>
              <h3>{texts.signIn.signedInAs(String(user_id))}</h3>
              <p class="small" dir="auto">
                {why ?? words.noReason}
              </p>
              <p class="small">{words.since(moment(blocked_at))}</p>
            </div>
            <button type="button" aria-label={`${words.unblock}: ${user_id}`} disabled={isBusy} onClick={() => run(unblock(user_id))}>
              {words.unblock}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
