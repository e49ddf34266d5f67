// What a call rejects with.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { ConnectionError, createClient, isStreamServiceError, StreamServiceError, TimeoutError } from "../dist/index.js";
import { clientOf, failureOf, json, noAnswer, noConnection, refusal } from "./fake_service.js";

/** A server on this machine, for as long as the test runs. */
async function serve(t, handle) {
  const server = createServer(handle);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

test("an error has the code, the sentence, the time to wait and the request's name", async () => {
  const { client } = clientOf([refusal(429, "too_many_requests", { "Retry-After": "7" })], { retry: false });
  const error = await failureOf(client.generateKey());
  assert.ok(error instanceof StreamServiceError && error instanceof Error);
  const { status, code, message, retryAfter, requestId, stream } = error;
  assert.deepEqual(
    { status, code, message, retryAfter, requestId, stream },
    {
      status: 429,
      code: "too_many_requests",
      message: "This is too_many_requests.",
      retryAfter: 7,
      requestId: "request-1",
      stream: null,
    },
  );
});

test("the active stream comes with its code, and with no other", async () => {
  const stream = { id: 17 };
  const { client } = clientOf([
    refusal(409, "stream_already_active", {}, { stream }),
    refusal(409, "schedule_over", {}, { stream }),
  ]);
  const active = await failureOf(client.generateKey());
  assert.deepEqual(active.stream, stream);
  assert.ok(isStreamServiceError(active, "schedule_over", "stream_already_active"));
  const over = await failureOf(client.generateKey());
  assert.equal(over.stream, null);
  assert.ok(!isStreamServiceError(over, "stream_already_active"));
  assert.ok(isStreamServiceError(over));
  assert.ok(!isStreamServiceError(new Error("schedule_over")));
});

test("a code of a later version is kept", async () => {
  const { client } = clientOf([refusal(418, "no_coffee")]);
  assert.equal((await failureOf(client.stop())).code, "no_coffee");
});

test("a proxy's page is an error with its status and without a code", async () => {
  const page = (status) => new Response("<html>Bad Gateway</html>", { status, headers: { "Retry-After": "1" } });
  for (const status of [502, 403, 200]) {
    const { client } = clientOf([page(status)], { retry: false });
    const error = await failureOf(client.channel.show());
    assert.deepEqual([error.status, error.code, error.retryAfter, error.requestId], [status, null, 1, null]);
    assert.match(error.message, new RegExp(`status ${status}`));
  }
});

test("JSON of something else is an error without a code", async () => {
  for (const body of [{ error: "no" }, { code: "no_active_stream" }, "no", null, [1]]) {
    const { client } = clientOf([json(404, body)]);
    const error = await failureOf(client.stop());
    assert.deepEqual([error.status, error.code], [404, null]);
  }
});

test("a connection that is refused or cut is told apart from an answer", async (t) => {
  const cut = await serve(t, (_, response) => {
    response.writeHead(200, { "Content-Length": "100" });
    response.write('{"streams":[');
    setImmediate(() => response.destroy());
  });
  const nobody = await serve(t, (request) => request.destroy());
  for (const baseUrl of [cut, nobody]) {
    const error = await failureOf(createClient({ baseUrl, retry: false }).publicStreams.list());
    assert.ok(error instanceof ConnectionError, String(error));
    assert.ok(error.cause instanceof TypeError);
    assert.ok(!isStreamServiceError(error));
  }
});

test("a call ends when its time is up, also in the middle of the answer", async (t) => {
  const silent = await serve(t, (_, response) => {
    response.writeHead(200);
    response.write('{"streams":[');
  });
  const client = createClient({ baseUrl: silent, retry: false, timeout: 50 });
  const error = await failureOf(client.publicStreams.list());
  assert.ok(error instanceof TimeoutError && error.timeout === 50, String(error));
  const { client: deaf } = clientOf([() => new Promise(() => {})], { retry: false });
  assert.ok((await failureOf(deaf.publicStreams.list({}, { timeout: 5 }))) instanceof TimeoutError);
});

test("an aborted call rejects with the signal's reason and is not repeated", async () => {
  const reason = new Error("the page is gone");
  const { client, requests } = clientOf([noAnswer]);
  assert.equal(await failureOf(client.channel.show({ signal: AbortSignal.abort(reason) })), reason);
  const controller = new AbortController();
  const call = failureOf(client.channel.show({ signal: controller.signal }));
  controller.abort(reason);
  assert.equal(await call, reason);
  assert.ok(requests.length <= 2);

  const waiting = new AbortController();
  const { client: other, requests: sent } = clientOf([noConnection], { retry: { firstDelay: 60_000, totalTime: 90_000 } });
  const retried = failureOf(other.channel.show({ signal: waiting.signal }));
  await new Promise((resolve) => setImmediate(resolve));
  waiting.abort(reason);
  assert.equal(await retried, reason);
  assert.equal(sent.length, 1);
});

test("a 503 of the health is an answer", async () => {
  const body = { status: "unhealthy", service: "stream-service", error: "no", code: "not_ready", reason: "starting" };
  const { client, requests } = clientOf([json(503, body), new Response("<html>", { status: 503 })]);
  assert.deepEqual(await client.health(), body);
  assert.equal((await failureOf(client.health())).status, 503);
  assert.equal(requests.length, 2);
});
