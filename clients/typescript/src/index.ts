// A typed client for the HTTP API of stream-service.

export { createAdminClient, type AdminClient } from "./admin.ts";
export { createClient, type StreamServiceClient } from "./client.ts";
export {
  ConnectionError,
  isStreamServiceError,
  StreamServiceError,
  TimeoutError,
  type AnyErrorCode,
  type ErrorWith,
} from "./errors.ts";
export type { EventAmong, EventData, EventOf, EventType, StreamServiceEvent } from "./event_types.ts";
export type { EventsOptions, EventsState } from "./events.ts";
export type { ClientOptions } from "./options.ts";
export type { Paged } from "./pages.ts";
export type { RetryPolicy } from "./retry.ts";
export type { CallOptions, ConditionalOptions, Token } from "./transport.ts";
export type * from "./types.ts";
