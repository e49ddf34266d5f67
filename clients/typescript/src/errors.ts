// What a call may throw, besides the reason of the signal that aborted it.

import type { ErrorCode, Stream } from "./types.ts";

/** A documented code, or one of a later version of the service. */
export type AnyErrorCode = ErrorCode | (string & {});

/** What an answer says, besides its status. */
interface Facts {
  status: number;
  code: AnyErrorCode | null;
  message: string;
  retryAfter: number | null;
  requestId: string | null;
  stream: Stream | null;
}

/** The service refused, or something in front of it did. */
export class StreamServiceError extends Error {
  override readonly name = "StreamServiceError";
  /** The HTTP status. It may be 200: of an answer that is not the service's, such as a proxy's page. */
  readonly status: number;
  /** What happened, for programs; `null` if the answer is not the service's. */
  readonly code: AnyErrorCode | null;
  /** After how many seconds to try again; `null` if the answer does not say. */
  readonly retryAfter: number | null;
  /** The request's name in the service's log. */
  readonly requestId: string | null;
  /** The stream that is active already, with the code `stream_already_active`; otherwise `null`. */
  readonly stream: Stream | null;

  constructor(facts: Facts) {
    super(facts.message);
    this.status = facts.status;
    this.code = facts.code;
    this.retryAfter = facts.retryAfter;
    this.requestId = facts.requestId;
    this.stream = facts.stream;
  }
}

/** No answer came, or not all of it. Whether the service did what was asked is unknown; `cause` is what `fetch` said. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

/** No answer came in time. Whether the service did what was asked is unknown. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
  /** How long it was waited, in milliseconds. */
  readonly timeout: number;

  constructor(timeout: number) {
    super(`no answer came within ${timeout} ms`);
    this.timeout = timeout;
  }
}

/** An error with this code, and with what belongs to it. */
export type ErrorWith<Code extends AnyErrorCode> = StreamServiceError & {
  readonly code: Code;
  readonly stream: Code extends "stream_already_active" ? Stream : Stream | null;
};

/** Whether the service refused, for any reason. */
export function isStreamServiceError(error: unknown): error is StreamServiceError;
/** Whether the service refused with one of these codes. */
export function isStreamServiceError<Code extends ErrorCode>(
  error: unknown,
  ...codes: Code[]
): error is ErrorWith<Code>;
export function isStreamServiceError(error: unknown, ...codes: ErrorCode[]): boolean {
  if (!(error instanceof StreamServiceError)) return false;
  return codes.length === 0 || codes.some((code) => code === error.code);
}

/** The error that an answer means; `body` is its JSON, or `undefined` if it is none. */
export function errorOf(response: Response, body: unknown): StreamServiceError {
  const { error, code, stream } = fieldsOf(body);
  const isOfTheService = typeof error === "string" && typeof code === "string";
  return new StreamServiceError({
    status: response.status,
    code: isOfTheService ? code : null,
    message: isOfTheService ? error : `status ${response.status}, with an answer that is not the service's`,
    retryAfter: secondsOf(response.headers.get("Retry-After")),
    requestId: response.headers.get("X-Request-Id"),
    stream: isOfTheService && code === "stream_already_active" ? ((stream as Stream | undefined) ?? null) : null,
  });
}

function fieldsOf(body: unknown): { error?: unknown; code?: unknown; stream?: unknown } {
  return typeof body === "object" && body !== null ? body : {};
}

/** The seconds of a `Retry-After`, which may be a date as well. */
function secondsOf(retryAfter: string | null): number | null {
  if (retryAfter === null) return null;
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter);
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}
