// The operator's API: for a token that is no user's.

import { paged } from "./pages.ts";
import { transportOf, type ClientOptions } from "./options.ts";
import type { CallOptions } from "./transport.ts";
import type { OperationAt, QueryOf } from "./operations.ts";

type StreamsQuery = QueryOf<OperationAt<"/api/admin/streams", "get">>;
type BlockedQuery = QueryOf<OperationAt<"/api/admin/users/blocked", "get">>;

/** A client of one service, for its operator. */
export type AdminClient = ReturnType<typeof createAdminClient>;

/**
 * Makes a client for an operator; `token` is the service's `ADMIN_TOKEN`.
 * A service without one answers every call with `not_found`.
 */
export function createAdminClient(options: ClientOptions) {
  const transport = transportOf(options);
  const list = (query: StreamsQuery = {}, options?: CallOptions) =>
    transport.call("get", "/api/admin/streams", { query }, options);
  const blocked = (query: BlockedQuery = {}, options?: CallOptions) =>
    transport.call("get", "/api/admin/users/blocked", { query }, options);
  return {
    /** Everybody's streams. */
    streams: {
      /** A page of active streams, newest first; of a `user`, streams in every state. No answer has a key. */
      list,
      ...paged(list, (page) => page.streams),
      /** Stops a stream and disconnects its publisher. Fails with `stream_not_found`. */
      stop: (id: number, options?: CallOptions) =>
        transport.call("post", "/api/admin/streams/{id}/stop", { names: { id } }, options),
    },
    /** Who may not broadcast. */
    users: {
      /** A page of blocked users, the latest block first. */
      blocked,
      /** Blocks a user, who gets no new key and reads the reason; an active stream is stopped. */
      block: (userId: number, reason: string | null = null, options?: CallOptions) =>
        transport.call("put", "/api/admin/users/{user_id}/block", { names: { user_id: userId }, body: { reason } }, options),
      /** Takes a block away. Fails with `user_not_blocked`. */
      unblock: (userId: number, options?: CallOptions) =>
        transport.call("delete", "/api/admin/users/{user_id}/block", { names: { user_id: userId } }, options),
    },
    /** The media servers and their state, by name. */
    servers: (options?: CallOptions) => transport.call("get", "/api/admin/servers", {}, options),
    /** What the doctor finds; it may take 20 seconds. */
    health: (options?: CallOptions) => transport.call("get", "/api/admin/health", {}, options),
    /** Counters of the instance that answers, since its start. */
    figures: (options?: CallOptions) => transport.call("get", "/api/admin/figures", {}, options),
  };
}
