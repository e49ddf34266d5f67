// The caller's newest stream, as it changes: by the stream of events, and by looking again now and then.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Attempt, EventsState, Session, Stream } from '../../../../../clients/typescript/src/index.ts';
import { isSignInError, type StreamServiceClient } from '../service.ts';
import { endedBecause, signedIn } from '../signed_in.ts';

/** How often it is looked at without an event, in milliseconds: fast where there is no stream of events. */
const LOOK = { streaming: 15_000, polling: 2_000, waiting: 2_000 } as const;

/** What a broadcaster sees of the own stream. */
export interface OwnStream {
  /** The newest stream, in any state; `null` for none yet. */
  stream: Stream | null;
  /** The open session of its publisher. */
  session: Session | null;
  attempts: Attempt[];
}

/** The state of the own stream, and how it comes here. */
export function useOwnStream(client: StreamServiceClient): {
  own: OwnStream | null;
  error: unknown;
  way: EventsState | null;
  reload: () => Promise<void>;
} {
  const [state, setState] = useState<{ own: OwnStream | null; error: unknown }>({ own: null, error: null });
  const [way, setWay] = useState<EventsState | null>(null);
  const turn = useRef(0);

  const reload = useCallback(async () => {
    const mine = (turn.current += 1);
    try {
      const own = await read(client);
      // An answer that was overtaken says nothing any more.
      if (mine === turn.current) setState({ own, error: null });
    } catch (error) {
      if (mine === turn.current) setState(({ own }) => ({ own, error }));
      endIfRefused(error);
    }
  }, [client]);

  useEffect(() => {
    const ended = new AbortController();
    const { signal } = ended;
    void (async () => {
      const onState = (now: EventsState) => {
        setWay(now);
        // What happened in between was not told.
        void reload();
      };
      try {
        for await (const _ of client.events({ signal, onState, pollInterval: 2_000, firstByteTimeout: 4_000 })) void reload();
      } catch (error) {
        if (!signal.aborted) setState(({ own }) => ({ own, error }));
        endIfRefused(error);
      }
    })();
    return () => ended.abort();
  }, [client]);

  useEffect(() => {
    void reload();
    const timer = setInterval(() => void reload(), LOOK[way ?? 'waiting']);
    return () => clearInterval(timer);
  }, [client, way]);

  return { ...state, way, reload };
}

async function read(client: StreamServiceClient): Promise<OwnStream> {
  const [{ streams }, { attempts }] = await Promise.all([client.streams.list({ limit: 1 }), client.streams.attempts()]);
  const stream = streams[0] ?? null;
  const sessions = stream?.live ? (await client.streams.sessions(stream.id)).sessions : [];
  return { stream, session: sessions.find(({ ended_at }) => ended_at === null) ?? null, attempts };
}

/** Ends the sign-in that the service no longer accepts. */
export function endIfRefused(error: unknown): void {
  if (!isSignInError(error)) return;
  endedBecause.set('expired');
  signedIn.set(null);
}
