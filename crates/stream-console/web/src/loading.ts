// What a component reads from the service: once, again and again, or when something happens.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

/** What was read. The last good value stays while the service is away, with the error beside it. */
export interface Loaded<T> {
  value: T | null;
  error: unknown;
  /** Reads it again now. */
  reload: () => void;
}

/**
 * Reads a value for as long as the component is shown, and again after `interval` milliseconds, if that is not `null`;
 * a tab in the background does not ask. What `keys` hold decides whether it is another value.
 */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  keys: readonly unknown[],
  interval: number | null = null,
): Loaded<T> {
  const [state, setState] = useState<{ value: T | null; error: unknown }>({ value: null, error: null });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  // Another value is not to be seen under the old one's name.
  useEffect(() => setState({ value: null, error: null }), keys);
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      if (!document.hidden || turn > 0) {
        try {
          const value = await latest.current(ended.signal);
          if (!ended.signal.aborted) setState({ value, error: null });
        } catch (error) {
          if (!ended.signal.aborted) setState(({ value }) => ({ value, error }));
        }
      }
      if (interval !== null && !ended.signal.aborted) timer = setTimeout(read, interval);
    };
    const onShown = () => document.hidden || interval === null || (clearTimeout(timer), void read());
    document.addEventListener('visibilitychange', onShown);
    void read();
    return () => {
      ended.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onShown);
    };
  }, [...keys, turn, interval]);
  const reload = useCallback(() => setTurn((last) => last + 1), []);
  return { ...state, reload };
}

/** The time, drawn again each `interval` milliseconds. */
export function useNow(interval = 1000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), interval);
    return () => clearInterval(timer);
  }, [interval]);
  return now;
}

/** A step that a person asks for: whether it goes on, and how it failed. */
export interface Action {
  isBusy: boolean;
  error: unknown;
  run: (step: () => Promise<void>) => void;
}

/** One step at a time. */
export function useAction(): Action {
  const [state, setState] = useState<{ isBusy: boolean; error: unknown }>({ isBusy: false, error: null });
  const isBusy = useRef(false);
  const run = useCallback((step: () => Promise<void>) => {
    if (isBusy.current) return;
    isBusy.current = true;
    setState({ isBusy: true, error: null });
    step()
      .then(() => setState({ isBusy: false, error: null }))
      .catch((error: unknown) => setState({ isBusy: false, error }))
      .finally(() => (isBusy.current = false));
  }, []);
  return { ...state, run };
}
