// Streams: those of the caller, those of everybody, and what they begin with.

import { paged } from "./pages.ts";
import type { CallOptions, ConditionalOptions, Transport } from "./transport.ts";
import type { OperationAt, QueryOf } from "./operations.ts";
import type { DetailsForm, StreamList } from "./types.ts";

type OwnQuery = QueryOf<OperationAt<"/api/streams", "get">>;
type PublicQuery = QueryOf<OperationAt<"/api/streams/public", "get">>;

/** The caller's own streams. */
export function ownStreams(transport: Transport) {
  const list = (query: OwnQuery = {}, options?: CallOptions) =>
    transport.call("get", "/api/streams", { query }, options);
  return {
    /** Streams in every state, newest first: all of them, or a page with `limit` and `cursor`. */
    list,
    ...paged(list, (page) => page.streams),
    /** The last 100 sessions of a stream, newest first. Fails with `stream_not_found`. */
    sessions: (id: number, options?: CallOptions) =>
      transport.call("get", "/api/streams/{id}/sessions", { names: { id } }, options),
    /** The last 100 refused attempts to publish with the caller's keys, newest first. */
    attempts: (options?: CallOptions) => transport.call("get", "/api/streams/attempts", {}, options),
    /** What the owner says of a stream. Fails with `stream_not_found`. */
    details: (id: number, options?: CallOptions) =>
      transport.call("get", "/api/streams/{id}/details", { names: { id } }, options),
    /**
     * Replaces all details of an active stream: a field that is absent, `null` or empty is cleared.
     * Fails with `stream_not_found`, `stream_ended`, or the field's code, such as `invalid_title`.
     */
    replaceDetails: (id: number, details: DetailsForm, options?: CallOptions) =>
      transport.call("put", "/api/streams/{id}/details", { names: { id }, body: details }, options),
    /** The stream of a key, for whoever has the key. Fails with `stream_not_found`, `stream_stopped` or `stream_expired`. */
    find: (streamKey: string, options?: CallOptions) =>
      transport.call("get", "/api/streams/{stream_key}", { names: { stream_key: streamKey }, token: "omit" }, options),
  };
}

/** What the caller's next stream begins with. */
export function channel(transport: Transport) {
  return {
    /** The channel's details. */
    show: (options?: CallOptions) => transport.call("get", "/api/channel", {}, options),
    /**
     * Replaces all of them: a field that is absent, `null` or empty is cleared. Streams that have begun stay as they are.
     * Fails with the field's code, such as `invalid_title`.
     */
    replace: (details: DetailsForm, options?: CallOptions) =>
      transport.call("put", "/api/channel", { body: details }, options),
  };
}

/** Everybody's public streams, without a token. */
export function publicStreams(transport: Transport) {
  const list = (query: PublicQuery = {}, options?: ConditionalOptions<StreamList>) =>
    transport.call("get", "/api/streams/public", { query, token: "omit" }, options);
  return {
    /**
     * Active streams, newest first, filtered and searched: all of them, or a page with `limit` and `cursor`.
     * To poll, pass the last answer as `previous`, or leave that to the browser's cache.
     */
    list,
    ...paged(list, (page) => page.streams),
    /** A stream by its public name. Fails with `stream_not_found`, `stream_stopped` or `stream_expired`. */
    find: (playbackId: string, options?: CallOptions) =>
      transport.call(
        "get",
        "/api/streams/public/{playback_id}",
        { names: { playback_id: playbackId }, token: "omit" },
        options,
      ),
  };
}
