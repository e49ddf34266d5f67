// What a client is made from.

import { DEFAULT_RETRY, type RetryPolicy } from "./retry.ts";
import { Transport, type Token } from "./transport.ts";

/** Where the service is, and how it is asked. */
export interface ClientOptions {
  /** The address of the service, with the path that a proxy may put before `/api`; "" in a page of the same origin. */
  baseUrl: string;
  /**
   * The user's bearer token, or a function that returns it. A function is called for each request; after a 401 it is
   * called once more, with the token that was refused, and the request is sent again if it returns another one.
   * Without a token, only public routes can be read.
   */
  token?: Token | undefined;
  /** Used in place of the global `fetch`. */
  fetch?: typeof fetch | undefined;
  /** How often requests are sent again that failed for a while; `false` for never. */
  retry?: Partial<RetryPolicy> | false | undefined;
  /** How many milliseconds an attempt may take, the answer's body included: 30,000 by default. */
  timeout?: number | undefined;
}

/** Sends requests as these options say. */
export function transportOf(options: ClientOptions): Transport {
  return new Transport({
    baseUrl: options.baseUrl.replace(/\/+$/, ""),
    token: options.token,
    // A method of `window` must be called as one.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    timeout: options.timeout ?? 30_000,
    retry: options.retry === false ? { ...DEFAULT_RETRY, attempts: 1 } : { ...DEFAULT_RETRY, ...options.retry },
  });
}
