// The client: the routes of the service that frontends use, by what they are about.

import { errorOf } from "./errors.ts";
import { follow, type EventsOptions } from "./events.ts";
import type { EventAmong, EventType, StreamServiceEvent } from "./event_types.ts";
import { transportOf, type ClientOptions } from "./options.ts";
import { ownSchedules, publicSchedules } from "./schedules.ts";
import { channel, ownStreams, publicStreams } from "./streams.ts";
import { jsonOf, textOf, type CallOptions, type ConditionalOptions } from "./transport.ts";
import type { OperationAt, QueryOf } from "./operations.ts";
import type { CategoryList, EventPage, Health, NewStreamForm, Unhealthy } from "./types.ts";
import { webhooks } from "./webhooks.ts";

type EventsQuery = Omit<QueryOf<OperationAt<"/api/events", "get">>, "types"> & { types?: readonly EventType[] };

/** A client of the service. Its methods may be taken off it: none needs `this`. */
export type StreamServiceClient = ReturnType<typeof createClient>;

/** Makes a client of one service, for one user; it holds no connection. */
export function createClient(options: ClientOptions) {
  const transport = transportOf(options);
  return {
    /**
     * Generates a key, which begins a stream. Fails with `stream_already_active` (the error has the `stream`),
     * `schedule_not_found`, `schedule_over`, `too_many_requests`, or the field's code, such as `invalid_title`.
     */
    generateKey: (form?: NewStreamForm, options?: CallOptions) =>
      transport.call("post", "/api/streams/generate-key", { body: form }, options),
    /** Stops the active stream. Fails with `no_active_stream`. */
    stop: (options?: CallOptions) => transport.call("post", "/api/streams/stop", {}, options),
    /** The caller's own streams. */
    streams: ownStreams(transport),
    /** What the caller's next stream begins with. */
    channel: channel(transport),
    /** The caller's own schedules. */
    schedules: ownSchedules(transport),
    /** Where the caller's events are delivered. */
    webhooks: webhooks(transport),
    /** Everybody's public streams. */
    publicStreams: publicStreams(transport),
    /** What everybody may see of what is planned. */
    publicSchedules: publicSchedules(transport),
    /** The categories, each with the number of its streams that are live. */
    categories: (options?: ConditionalOptions<CategoryList>) =>
      transport.call("get", "/api/categories", { token: "omit" }, options),
    /**
     * Follows what happens to the caller's streams and schedules, for as long as the loop runs: through restarts of the
     * service, expired tokens, and proxies that hold streams back. Each event comes once, and none is left out.
     * Fails with `events_forgotten` if `after` is too old: read the current state, and begin without it.
     */
    events: <Type extends EventType = EventType>(options?: EventsOptions<Type>): AsyncIterable<EventAmong<Type>> =>
      follow(transport, options),
    /** A page of the log of events, of 50 unless the query has a `limit`: go on with `after` set to its `next`. */
    listEvents: async ({ types, ...query }: EventsQuery = {}, options?: CallOptions) => {
      const filter = types === undefined ? {} : { types: types.join() };
      const page = await transport.call("get", "/api/events", { query: { ...query, ...filter } }, options);
      return page as unknown as Omit<EventPage, "events"> & { events: StreamServiceEvent[] };
    },
    /** Whether the service works. A 503 with the reason is an answer, too; it is not waited for a better one. */
    health: (options?: CallOptions): Promise<Health | Unhealthy> =>
      transport.send({ method: "get", path: "/health", token: "omit" }, { ...options, retry: false }, async (response) => {
        const body = jsonOf(await textOf(response));
        const isHealth = typeof body === "object" && body !== null && "service" in body;
        if (!isHealth) throw errorOf(response, body);
        return body as Health | Unhealthy;
      }),
  };
}
