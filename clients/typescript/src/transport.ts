// Sends requests: with a token, within a time, and again where that helps.

import { Deadline } from "./deadline.ts";
import { ConnectionError, errorOf } from "./errors.ts";
import { delayAfter, mayRetry, pause, type RetryPolicy } from "./retry.ts";
import type { AnswerOf, BodyOf, Method, NamesOf, OperationAt, PathsWith, QueryOf } from "./operations.ts";

/** A token, or what returns one. It is asked for each request, and once more with the token that was refused. */
export type Token = string | ((refused?: string) => string | Promise<string>);

/** How requests are sent. */
export interface Settings {
  baseUrl: string;
  token: Token | undefined;
  fetch: typeof fetch;
  timeout: number;
  retry: RetryPolicy;
}

/** What every call takes. */
export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** How many milliseconds an attempt may take, instead of the client's. */
  timeout?: number | undefined;
  /** How often this call is tried, instead of the client's; `false` for once. */
  retry?: Partial<RetryPolicy> | false | undefined;
}

/** What reads of public lists take. */
export interface ConditionalOptions<Answer> extends CallOptions {
  /**
   * An earlier answer to the same query: it is returned again, the same object, if nothing has changed since (304).
   * Browsers do not need it; they revalidate what they have by themselves.
   */
  previous?: Answer | undefined;
}

/** One request. */
export interface HttpRequest {
  method: Method;
  path: string;
  query?: object | undefined;
  body?: unknown;
  headers?: Record<string, string>;
  /** Public routes get no token: pages of any origin may then ask without a preflight. */
  token?: "omit" | undefined;
}

type PathPart<Operation> = [NamesOf<Operation>] extends [never] ? object : { names: NamesOf<Operation> };

/** What a route takes, by its description. */
export type Parts<Operation> = PathPart<Operation> & {
  query?: QueryOf<Operation> | undefined;
  body?: BodyOf<Operation> | undefined;
  token?: "omit" | undefined;
};

export class Transport {
  readonly #settings: Settings;
  readonly #etags = new WeakMap<object, string>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** The address of a path. */
  url(path: string, query: object = {}): string {
    const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
    const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
    return this.#settings.baseUrl + path + (text && `?${text}`);
  }

  /** Calls a route of the service; path, parts and result are those of its description. */
  async call<M extends Method, P extends PathsWith<M>>(
    method: M,
    path: P,
    parts: Parts<OperationAt<P, M>>,
    options: ConditionalOptions<AnswerOf<OperationAt<P, M>>> = {},
  ): Promise<AnswerOf<OperationAt<P, M>>> {
    const { names, ...rest } = parts as Parts<OperationAt<P, M>> & { names?: object };
    const request: HttpRequest = { method, path: pathOf(path, names), ...rest };
    const { previous } = options;
    const etag = previous && this.#etags.get(previous as object);
    if (etag !== undefined) request.headers = { "If-None-Match": etag };
    const answer = await this.send(request, options, async (response) => {
      if (response.status === 304 && previous !== undefined) return previous;
      const body = jsonOf(await textOf(response));
      if (!response.ok || body === undefined) throw errorOf(response, body);
      const current = response.headers.get("ETag");
      if (current !== null && typeof body === "object" && body !== null) this.#etags.set(body, current);
      return body;
    });
    return answer as AnswerOf<OperationAt<P, M>>;
  }

  /** Sends a request until `read` has what it wants of the response, or another attempt does not help. */
  async send<Result>(
    request: HttpRequest,
    options: CallOptions,
    read: (response: Response) => Promise<Result>,
  ): Promise<Result> {
    const retry = options.retry === false ? null : { ...this.#settings.retry, ...options.retry };
    const until = Date.now() + (retry?.totalTime ?? 0);
    for (let failures = 1; ; failures += 1) {
      const deadline = new Deadline(options.timeout ?? this.#settings.timeout, options.signal);
      try {
        return await deadline.hold(this.respond(request, deadline.signal).then(read));
      } catch (error) {
        if (retry === null || failures >= retry.attempts || !mayRetry(request.method, error)) throw error;
        const delay = delayAfter(failures, error, retry);
        if (Date.now() + delay > until) throw error;
        deadline.end();
        await pause(delay, options.signal);
      } finally {
        deadline.end();
      }
    }
  }

  /** The response to a request, with whatever status; a refused token is renewed once, if it can be. */
  async respond(request: HttpRequest, signal: AbortSignal): Promise<Response> {
    const { token } = this.#settings;
    if (request.token === "omit" || token === undefined) return this.#fetch(request, undefined, signal);
    if (typeof token === "string") return this.#fetch(request, token, signal);
    const first = await token();
    signal.throwIfAborted();
    const response = await this.#fetch(request, first, signal);
    if (response.status !== 401) return response;
    const renewed = await token(first);
    signal.throwIfAborted();
    if (renewed === first) return response;
    // Nobody waits for it: where a page's tools keep a copy of the response, the cancellation waits for that one.
    response.body?.cancel().catch(() => {});
    return this.#fetch(request, renewed, signal);
  }

  #fetch(request: HttpRequest, token: string | undefined, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { Accept: "application/json", ...request.headers };
    if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
    const init: RequestInit = { method: request.method.toUpperCase(), headers, signal };
    if (request.body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(request.body);
    }
    return arrival(this.#settings.fetch(this.url(request.path, request.query), init));
  }
}

/** The text of a response. */
export function textOf(response: Response): Promise<string> {
  return arrival(response.text());
}

/** Waits for what comes over the network; where nothing comes, the connection failed. */
export async function arrival<Result>(coming: Promise<Result>): Promise<Result> {
  try {
    return await coming;
  } catch (cause) {
    throw new ConnectionError("the connection to the service failed", { cause });
  }
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A path with its names filled in. */
function pathOf(path: string, names: object = {}): string {
  let filled = path;
  for (const [name, value] of Object.entries(names)) {
    const text = encodeURIComponent(String(value));
    // An address with one of these means another route.
    if (["", ".", ".."].includes(text)) throw new TypeError(`${name} must not be "${text}"`);
    filled = filled.replace(`{${name}}`, () => text);
  }
  return filled;
}
