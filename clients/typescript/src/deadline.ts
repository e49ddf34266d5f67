// Work that ends when it is done, when its caller aborts it, or when its time is up.

import { TimeoutError } from "./errors.ts";

/** A signal that aborts with the caller's, or when the time is up. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  // AbortSignal.any and AbortSignal.timeout do the same, but many browsers in use do not have the first.
  readonly #onAbort = () => this.#controller.abort(this.#caller?.reason);

  /** Begins with this many milliseconds. */
  constructor(timeout: number, caller: AbortSignal | undefined) {
    this.#caller = caller;
    if (caller?.aborted) this.#onAbort();
    caller?.addEventListener("abort", this.#onAbort, { once: true });
    this.extend(timeout);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From now on there are this many milliseconds. */
  extend(timeout: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(new TimeoutError(timeout)), timeout);
  }

  /** Waits for the work, and not for longer than it may take, even if it does not heed the signal. */
  async hold<Result>(work: Promise<Result>): Promise<Result> {
    const { signal } = this;
    let onAbort = () => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason);
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([work, aborted]);
    } catch (error) {
      // What work says that was aborted is not the reason.
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Ends it; what still goes on is aborted. */
  end(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener("abort", this.#onAbort);
    this.#controller.abort();
  }
}
