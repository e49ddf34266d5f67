// Follows what happens, through whatever interrupts the connection: each event once, none left out.

import { Deadline } from "./deadline.ts";
import { errorOf, TimeoutError } from "./errors.ts";
import { EventStreamParser } from "./event_stream.ts";
import type { EventAmong, EventType } from "./event_types.ts";
import { delayAfter, isPassing, pause } from "./retry.ts";
import { arrival, jsonOf, textOf, type HttpRequest, type Transport } from "./transport.ts";

/** How events reach this client: as they happen, asked for again and again, or not at the moment. */
export type EventsState = "streaming" | "polling" | "waiting";

/** Which events are followed, and how. */
export interface EventsOptions<Type extends EventType = EventType> {
  /** Begins after this position: 0 for all that are kept. Without it, begins with what happens from now on. */
  after?: number | undefined;
  /** Only these types; all without it. */
  types?: readonly Type[] | undefined;
  /** Ends the iteration, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Called when the way changes in which events come, for a page that shows it; with the error that was the cause. */
  onState?: ((state: EventsState, cause?: unknown) => void) | undefined;
  /** After how many milliseconds without a first byte events are polled instead: 10,000 by default. */
  firstByteTimeout?: number | undefined;
  /** After how many milliseconds of silence a stream counts as cut off: 40,000 by default. A sign of life comes every 15 seconds. */
  idleTimeout?: number | undefined;
  /** How many milliseconds lie between two polls: 5,000 by default. */
  pollInterval?: number | undefined;
}

/** A place in the log, and the event that is there, if it is one of the caller's. */
interface Step<Type extends EventType> {
  position: number;
  event: EventAmong<Type> | null;
}

/** How long events are polled before the stream is tried again, in milliseconds. */
const POLLING_TIME = 300_000;

const PAGE = 1_000;

/** What is between this client and the service keeps what is streamed to itself. */
class HeldBack extends Error {}

/** Follows events until the caller has enough, or something happens that does not pass. */
export async function* follow<Type extends EventType = EventType>(
  transport: Transport,
  options: EventsOptions<Type> = {},
): AsyncGenerator<EventAmong<Type>, void> {
  const log = new Log(transport, options);
  const { signal, onState } = options;
  let after = options.after;
  let failures = 0;
  let isHeldBack = false;
  for (;;) {
    let cause: unknown;
    try {
      // A stream that is held back does not tell where it began, and what happened meanwhile would be lost.
      after ??= await log.end();
      for await (const { position, event } of isHeldBack ? log.poll(after) : log.stream(after)) {
        [failures, after] = [0, position];
        if (event !== null) yield event;
      }
      isHeldBack = false;
    } catch (error) {
      if (!(error instanceof HeldBack) && !isPassing(error)) throw error;
      cause = error;
      isHeldBack = error instanceof HeldBack;
    }
    signal?.throwIfAborted();
    if (isHeldBack) continue;
    onState?.("waiting", cause);
    failures += 1;
    await pause(delayAfter(failures, cause, { firstDelay: log.reconnectDelay, maxDelay: 30_000 }), signal);
  }
}

/** The caller's log of events, read in one of two ways. */
class Log<Type extends EventType> {
  /** The longest pause before the first attempt to connect again, in milliseconds; the service may name another. */
  reconnectDelay = 2_000;
  readonly #transport: Transport;
  readonly #options: EventsOptions<Type>;

  constructor(transport: Transport, options: EventsOptions<Type>) {
    this.#transport = transport;
    this.#options = options;
  }

  get #types(): string | undefined {
    return this.#options.types?.join();
  }

  /** The position that the log has reached. */
  async end(): Promise<number> {
    let position: number | undefined;
    for (;;) {
      // Of a type that is hardly ever there: so nearly always one answer without events leads to the end.
      const page = await this.#page(position, "webhook.test");
      position = page.next;
      if (page.events.length < PAGE) return position;
    }
  }

  /** The events after a position, page after page, for a while. */
  async *poll(after: number): AsyncGenerator<Step<Type>, void> {
    const { signal, onState, pollInterval = 5_000 } = this.#options;
    const until = Date.now() + POLLING_TIME;
    let position = after;
    for (let polls = 0; Date.now() < until; polls += 1) {
      const page = await this.#page(position, this.#types);
      if (polls === 0) onState?.("polling");
      for (const event of page.events as unknown as EventAmong<Type>[]) yield { position: event.position, event };
      position = page.next;
      yield { position, event: null };
      if (page.events.length < PAGE) await pause(pollInterval, signal);
    }
  }

  /** The events after a position as they happen, until the connection ends. */
  async *stream(after: number): AsyncGenerator<Step<Type>, void> {
    const { signal, onState, firstByteTimeout = 10_000, idleTimeout = 40_000 } = this.#options;
    const deadline = new Deadline(firstByteTimeout, signal);
    let hasBegun = false;
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    try {
      reader = (await deadline.hold(this.#open(after, deadline.signal))).getReader();
      const decoder = new TextDecoder();
      const parser = new EventStreamParser();
      for (;;) {
        const { done, value } = await deadline.hold(arrival(reader.read()));
        if (done) return;
        deadline.extend(idleTimeout);
        if (!hasBegun) onState?.("streaming");
        hasBegun = true;
        for (const message of parser.push(decoder.decode(value, { stream: true }))) {
          this.reconnectDelay = message.retry ?? this.reconnectDelay;
          const event = message.data === null ? null : (JSON.parse(message.data) as EventAmong<Type>);
          const position = event?.position ?? Number(message.id ?? NaN);
          if (Number.isSafeInteger(position)) yield { position, event };
        }
      }
    } catch (error) {
      throw error instanceof TimeoutError && !hasBegun ? new HeldBack() : error;
    } finally {
      deadline.end();
      // A `fetch` of the caller's may return a body that does not end with the request.
      reader?.cancel().catch(() => {});
    }
  }

  async #open(after: number, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers = { Accept: "text/event-stream", "Last-Event-ID": String(after) };
    const request: HttpRequest = { method: "get", path: "/api/events/stream", query: { types: this.#types }, headers };
    const response = await this.#transport.respond(request, signal);
    const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream") ?? false;
    if (!response.ok || !isStream || response.body === null) throw errorOf(response, jsonOf(await textOf(response)));
    return response.body;
  }

  #page(after: number | undefined, types: string | undefined) {
    const query = { limit: PAGE, ...(after !== undefined && { after }), ...(types !== undefined && { types }) };
    const { signal } = this.#options;
    // Whoever follows the log tries again by itself.
    return this.#transport.call("get", "/api/events", { query }, { signal, retry: false });
  }
}
