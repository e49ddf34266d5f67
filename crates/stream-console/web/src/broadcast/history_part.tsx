import type { Session, Stream } from '../../../../../clients/typescript/src/index.ts';
import { ErrorNotice, Progress } from '../elements/notices.tsx';
import { between, duration, moment } from '../format.ts';
import { useLoaded, useNow } from '../loading.ts';
import { texts } from '../texts.ts';
import type { PartProps } from './page.tsx';

/** How many streams are shown. */
const STREAMS = 20;

/** What was broadcast: each stream with a time line of its sessions. */
export function HistoryPart({ client }: PartProps) {
  const load = async (signal: AbortSignal) => {
    const { streams } = await client.streams.list({ limit: STREAMS }, { signal });
    return Promise.all(streams.map(async (stream) => ({ stream, ...(await client.streams.sessions(stream.id, { signal })) })));
  };
  const { value, error, reload } = useLoaded(load, [client], 15_000);
  return (
    <section class="panel" aria-labelledby="history">
      <h2 id="history">{texts.history.title}</h2>
      <ErrorNotice error={error} again={reload} />
      {!value && !error && <Progress />}
      {value?.length === 0 && <p>{texts.history.none}</p>}
      <ol class="plain">
        {value?.map(({ stream, sessions }) => (
          <Past key={stream.id} stream={stream} sessions={sessions} />
        ))}
      </ol>
    </section>
  );
}

function Past({ stream, sessions }: { stream: Stream; sessions: Session[] }) {
  const now = useNow(15_000);
  const ordered = sessions.toReversed();
  return (
    <li>
      <h3>{texts.history.stream(moment(stream.created_at))}</h3>
      <p class="small">
        <span class={stream.live ? 'badge live' : 'badge'}>{stream.live ? texts.nav.live : (texts.history.status[stream.status] ?? stream.status)}</span>
      </p>
      {sessions.length === 0 ? <p class="small">{texts.history.noSessions}</p> : <TimeLine sessions={ordered} now={now} />}
      <ul class="small">
        {ordered.map((session) => (
          <li key={session.id}>
            {texts.history.session(
              session.server,
              session.address ?? texts.broadcast.unknownAddress,
              moment(session.started_at),
              session.ended_at ? moment(session.ended_at) : texts.history.open,
              duration(between(session.started_at, session.ended_at ?? now)),
            )}{' '}
            {session.end_reason && (texts.history.reasons[session.end_reason] ?? session.end_reason)}
          </li>
        ))}
      </ul>
    </li>
  );
}

/** Sessions as bars, from the first one's begin to the last one's end; the list below says the same in words. */
function TimeLine({ sessions, now }: { sessions: Session[]; now: number }) {
  const begin = Math.min(...sessions.map((session) => Date.parse(session.started_at)));
  const end = Math.max(...sessions.map((session) => (session.ended_at ? Date.parse(session.ended_at) : now)), begin + 1000);
  const at = (time: number) => ((time - begin) / (end - begin)) * 1000;
  return (
    <svg class="time-line" viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" aria-label={texts.history.line(moment(new Date(begin)), moment(new Date(end)))}>
      <rect class="track" width="1000" height="24" />
      {sessions.map((session) => {
        const [from, to] = [at(Date.parse(session.started_at)), at(session.ended_at ? Date.parse(session.ended_at) : now)];
        return <rect key={session.id} class={session.ended_at ? 'session' : 'session open'} x={from} width={Math.max(to - from, 4)} height="24" />;
      })}
    </svg>
  );
}
