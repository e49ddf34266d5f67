// A `fetch` with prepared answers, which remembers what it was asked; and time that passes when a test says so.

import { mock } from "node:test";
import { createAdminClient, createClient } from "../dist/index.js";

/** JSON, as the service answers it. */
export function json(status, body, headers = {}) {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
}

/** An error, as the service answers it. */
export function refusal(status, code, headers = {}, more = {}) {
  return json(status, { error: `This is ${code}.`, code, ...more }, { "X-Request-Id": "request-1", ...headers });
}

/** What `fetch` does where nobody listens. */
export function noConnection() {
  throw new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") });
}

/** What `fetch` does while nobody answers. */
export function noAnswer(request) {
  return new Promise((_, reject) => {
    request.signal.addEventListener("abort", () => reject(request.signal.reason), { once: true });
  });
}

/** A stream of events whose pieces are at hand; it then ends, fails, or stays open. */
export function stream(pieces, then = "end") {
  const encoder = new TextEncoder();
  const queue = pieces.map((piece) => (typeof piece === "string" ? encoder.encode(piece) : piece));
  return (request) => {
    const body = new ReadableStream({
      start(controller) {
        request.signal.addEventListener("abort", () => {
          request.isCanceled = true;
          try {
            controller.error(request.signal.reason);
          } catch {
            // It has ended already.
          }
        });
      },
      pull(controller) {
        const piece = queue.shift();
        if (piece !== undefined) return controller.enqueue(piece);
        if (then === "end") return controller.close();
        if (then === "fail") return controller.error(new TypeError("terminated"));
        return new Promise(() => {});
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  };
}

/** A client of a service that gives these answers, one for each request, and the last one from then on. */
export function clientOf(answers, options = {}) {
  const requests = [];
  const fetch = async (address, init) => {
    const url = new URL(address);
    const request = { ...init, url, path: url.pathname + url.search };
    requests.push(request);
    const answer = answers[Math.min(requests.length, answers.length) - 1];
    return typeof answer === "function" ? answer(request) : answer.clone();
  };
  const all = { baseUrl: "https://service.example", token: "token-1", fetch, ...options };
  return { client: createClient(all), admin: createAdminClient(all), requests };
}

/** Stops the clock; the returned function lets milliseconds pass, and everything happen that follows from it. */
export function stopClock() {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  mock.method(Math, "random", () => 0);
  return async (milliseconds) => {
    await settle();
    mock.timers.tick(milliseconds);
    await settle();
  };
}

/** Lets everything happen that needs no time. */
async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Starts the clock again. */
export function startClock() {
  mock.timers.reset();
  mock.restoreAll();
}

/** What a promise rejects with. */
export async function failureOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}
