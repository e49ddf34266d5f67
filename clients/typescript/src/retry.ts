// When a request is sent again, and after what time.

import { ConnectionError, StreamServiceError, TimeoutError } from "./errors.ts";
import type { Method } from "./operations.ts";

/** How often and how long a request is tried. */
export interface RetryPolicy {
  /** The most attempts, the first one included: 4 by default. */
  attempts: number;
  /** The most milliseconds from the first attempt to the beginning of the last one: 30,000 by default. */
  totalTime: number;
  /** The longest pause before the second attempt, in milliseconds: 500 by default. It doubles with each attempt. */
  firstDelay: number;
  /** The longest pause, in milliseconds, unless the service asks for a longer one: 8,000 by default. */
  maxDelay: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 4, totalTime: 30_000, firstDelay: 500, maxDelay: 8_000 };

/** Whether another attempt may succeed, and does no harm. */
export function mayRetry(method: Method, error: unknown): boolean {
  const status = error instanceof StreamServiceError ? error.status : null;
  // Nothing was done. After any other failure of a POST it might have been: a database that answers too late
  // may have committed, and a second key, schedule or delivery would be a surprise.
  if (status === 429) return true;
  if (method === "post") return false;
  return isPassing(error);
}

/** Whether the cause is likely to pass by itself: the service or the way to it is away, or asks to wait. */
export function isPassing(error: unknown): boolean {
  if (error instanceof StreamServiceError) return [408, 429, 502, 503, 504].includes(error.status);
  return error instanceof ConnectionError || error instanceof TimeoutError;
}

/** How many milliseconds to wait after this many failures. */
export function delayAfter(failures: number, error: unknown, policy: Pick<RetryPolicy, "firstDelay" | "maxDelay">): number {
  const longest = Math.min(policy.maxDelay, policy.firstDelay * 2 ** (failures - 1));
  // Clients that failed together do not come back together.
  const backoff = longest * (0.5 + Math.random() / 2);
  const asked = error instanceof StreamServiceError ? error.retryAfter : null;
  return asked === null ? backoff : asked * 1000 + backoff / 4;
}

/** Waits so many milliseconds; rejects with the signal's reason when that aborts. */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
