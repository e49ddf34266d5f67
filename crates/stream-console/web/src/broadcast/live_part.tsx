import { useState } from 'preact/hooks';
import { isStreamServiceError, type Attempt, type Stream } from '../../../../../clients/typescript/src/index.ts';
import { Confirm } from '../elements/confirm.tsx';
import { ErrorNotice, Progress } from '../elements/notices.tsx';
import { between, duration, moment } from '../format.ts';
import { useAction, useNow } from '../loading.ts';
import { linkTo } from '../router.ts';
import { texts } from '../texts.ts';
import { EncoderFields } from './encoder_fields.tsx';
import { StreamDetails } from './channel_part.tsx';
import { useOwnStream, type OwnStream } from './own_stream.ts';
import type { PartProps } from './page.tsx';

/** From when on the end of a key is announced, in milliseconds before it. */
const SOON = 30 * 60_000;

/** Makes a key, shows what an encoder needs, and says what becomes of it. */
export function LivePart({ client }: PartProps) {
  const { own, error, way, reload } = useOwnStream(client);
  const action = useAction();
  const make = async () => {
    try {
      await client.generateKey();
    } catch (refused) {
      // Another tab was faster: its key is shown.
      if (!isStreamServiceError(refused, 'stream_already_active')) throw refused;
    }
    await reload();
  };
  const stop = async () => {
    try {
      await client.stop();
    } catch (refused) {
      if (!isStreamServiceError(refused, 'no_active_stream')) throw refused;
    }
    await reload();
  };
  if (!own) return error ? <ErrorNotice error={error} again={() => void reload()} /> : <Progress />;
  const active = own.stream?.status === 'active' ? own.stream : null;
  return (
    <>
      <State own={own} />
      <ErrorNotice error={action.error ?? error} />
      {active ? (
        <Active key={active.id} stream={active} isBusy={action.isBusy} onStop={() => action.run(stop)} />
      ) : (
        <section class="panel">
          <button type="button" class="primary" disabled={action.isBusy} onClick={() => action.run(make)}>
            {action.isBusy ? texts.broadcast.working : texts.broadcast.make}
          </button>
          <p class="small">{texts.broadcast.makeHint}</p>
        </section>
      )}
      <Refusals attempts={own.attempts} />
      {active && <StreamDetails key={active.id} client={client} id={active.id} />}
      <p class="small">
        {way === 'streaming' ? texts.broadcast.connection.streamed : way === 'polling' ? texts.broadcast.connection.polled : texts.broadcast.connection.away}
      </p>
    </>
  );
}

function State({ own: { stream, session } }: { own: OwnStream }) {
  const isLive = stream?.status === 'active' && stream.live;
  const words = texts.broadcast.states;
  const text = isLive
    ? words.live(moment(stream.live_since ?? session?.live_since ?? stream.created_at), session?.server ?? '…')
    : stream?.status === 'active'
      ? words.waiting
      : stream
        ? words.ended
        : '';
  return (
    <p class={isLive ? 'state live' : 'state'} role="status">
      {isLive && <span class="badge live">{texts.nav.live}</span>} {text}
    </p>
  );
}

function Active({ stream, isBusy, onStop }: { stream: Stream; isBusy: boolean; onStop: () => void }) {
  const [isAsking, setAsking] = useState(false);
  return (
    <section class="panel" aria-labelledby="encoder">
      <h2 id="encoder">{texts.broadcast.encoder}</h2>
      <Life expiresAt={stream.expires_at} />
      <EncoderFields stream={stream} />
      <div class="row end">
        <a class="button" href={linkTo(['watch', stream.playback_id])}>
          {texts.broadcast.watch}
        </a>
        <button type="button" class="danger" disabled={isBusy} onClick={() => setAsking(true)}>
          {isBusy ? texts.broadcast.working : texts.broadcast.stop}
        </button>
      </div>
      {isAsking && (
        <Confirm
          title={texts.broadcast.stopTitle}
          text={texts.broadcast.stopText}
          confirm={texts.broadcast.stopConfirm}
          onCancel={() => setAsking(false)}
          onConfirm={() => (setAsking(false), onStop())}
        />
      )}
    </section>
  );
}

function Life({ expiresAt }: { expiresAt: string }) {
  const rest = between(useNow(), expiresAt);
  const text = rest < SOON ? texts.broadcast.lifeSoon(duration(rest)) : texts.broadcast.life(duration(rest));
  return <p class={rest < SOON ? 'notice' : 'small'}>{text}</p>;
}

function Refusals({ attempts }: { attempts: Attempt[] }) {
  const words = texts.broadcast;
  return (
    <section class="panel" aria-labelledby="refusals">
      <h2 id="refusals">{words.refusals}</h2>
      {attempts.length === 0 && <p class="small">{words.refusalsNone}</p>}
      <ul class="plain" aria-live="polite">
        {attempts.slice(0, 5).map((attempt) => (
          <li key={`${attempt.stream_id} ${attempt.server} ${attempt.address} ${attempt.reason}`}>
            <strong>{attempt.message}</strong>
            <p class="small">{words.refusal(attempt.server, attempt.address ?? words.unknownAddress, moment(attempt.last_at))}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
