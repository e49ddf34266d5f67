// Events are followed through whatever interrupts the connection.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { isStreamServiceError } from "../dist/index.js";
import { clientOf, failureOf, json, noAnswer, noConnection, refusal, startClock, stopClock, stream } from "./fake_service.js";

afterEach(startClock);

const event = (position, data = {}) => ({ position, type: "stream.updated", at: "2026-01-02T03:04:05Z", data });
const told = (position, data) =>
  `id: ${position}\nevent: stream.updated\ndata: ${JSON.stringify(event(position, data))}\n\n`;
const begin = (position) => `retry: 4\nid: ${position}\n\n`;
const page = (positions, next) => json(200, { events: positions.map((position) => event(position)), next });

/** The positions of the first events, and the iteration that goes on. */
async function positions(client, count, options) {
  const found = [];
  for await (const { position } of client.events(options)) {
    found.push(position);
    if (found.length === count) break;
  }
  return found;
}

const lastIds = (requests) => requests.map((request) => request.headers["Last-Event-ID"]);

test("without a position it begins at the end of the log, before anything can be missed", async () => {
  const { client, requests } = clientOf([page([], 41), stream([begin(41), told(42)])]);
  assert.deepEqual(await positions(client, 1), [42]);
  assert.equal(requests[0].path, "/api/events?limit=1000&types=webhook.test");
  assert.equal(requests[1].path, "/api/events/stream");
  assert.equal(requests[1].headers["Last-Event-ID"], "41");
  assert.equal(requests[1].headers.Authorization, "Bearer token-1");
  assert.ok(requests[1].isCanceled, "who has enough hangs up");
});

test("a body that outlives its request is canceled", async () => {
  let isCanceled = false;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(told(2))),
    cancel: () => {
      isCanceled = true;
    },
  });
  const { client } = clientOf([() => new Response(body, { headers: { "Content-Type": "text/event-stream" } })]);
  assert.deepEqual(await positions(client, 1, { after: 1 }), [2]);
  assert.ok(isCanceled);
});

test("events are whole however their bytes are cut", async () => {
  const title = { title: "Größe 🎥" };
  const bytes = new TextEncoder().encode(`\uFEFF${begin(1)}:\n\n${told(2, title)}`);
  const { client } = clientOf([stream(Array.from(bytes, (byte) => Uint8Array.of(byte)))]);
  for await (const found of client.events({ after: 1 })) {
    assert.deepEqual(found, event(2, title));
    break;
  }
});

test("a reader that is cut off goes on after what it has seen", async () => {
  const cut = stream([begin(0), told(1), told(2).slice(0, 30)], "fail");
  const { client, requests } = clientOf([cut, noConnection, stream([begin(1), told(2)])]);
  assert.deepEqual(await positions(client, 2, { after: 0 }), [1, 2]);
  assert.deepEqual(lastIds(requests), ["0", "1", "1"]);
});

test("a sign of life moves the position on", async () => {
  const { client, requests } = clientOf([stream([begin(1), ":\nid: 900\n\n", ":\n\n"]), stream([told(901)])]);
  assert.deepEqual(await positions(client, 1, { after: 1 }), [901]);
  assert.deepEqual(lastIds(requests), ["1", "900"]);
});

test("a stream that ends with its token goes on with another", async () => {
  let token = "old";
  const ended = (request) => {
    token = "new";
    return stream([begin(1), told(2)])(request);
  };
  const { client, requests } = clientOf([ended, stream([told(3)])], { token: () => token });
  assert.deepEqual(await positions(client, 2, { after: 1 }), [2, 3]);
  assert.deepEqual(requests.map((request) => request.headers.Authorization), ["Bearer old", "Bearer new"]);
});

test("what does not pass ends the iteration", async () => {
  const refusals = [[410, "events_forgotten"], [401, "token_expired"], [400, "invalid_types"]];
  for (const [status, code] of refusals) {
    const { client, requests } = clientOf([stream([begin(1), told(2)]), refusal(status, code)]);
    const error = await failureOf(positions(client, 9, { after: 1 }));
    assert.ok(isStreamServiceError(error, code));
    assert.equal(requests.length, 2);
  }
  const { client } = clientOf([new Response("<html>")]);
  assert.equal((await failureOf(positions(client, 1, { after: 1 }))).code, null);
});

test("the service is asked again when it says so", async () => {
  const pass = stopClock();
  const busy = refusal(429, "too_many_requests", { "Retry-After": "9" });
  const { client, requests } = clientOf([busy, stream([told(2)])]);
  const found = positions(client, 1, { after: 1 });
  await pass(8_999);
  assert.equal(requests.length, 1);
  await pass(600);
  assert.deepEqual(await found, [2]);
});

test("pauses double while nothing comes, and begin anew once something has", async () => {
  const pass = stopClock();
  const { client, requests } = clientOf([noConnection, noConnection, stream([begin(1)]), noConnection, stream([told(2)])]);
  const found = positions(client, 1, { after: 1 });
  // Half of two seconds, of four, and then of what the service has asked for.
  for (const [delay, sent] of [[1_000, 2], [2_000, 3], [2, 4], [4, 5]]) {
    await pass(delay - 1);
    assert.equal(requests.length, sent - 1);
    await pass(1);
    assert.equal(requests.length, sent);
  }
  assert.deepEqual(await found, [2]);
});

test("silence is a broken connection, and signs of life are none", async () => {
  const pass = stopClock();
  const { client, requests } = clientOf([stream([begin(1)], "stay open"), stream([told(2)])]);
  const found = positions(client, 1, { after: 1 });
  await pass(39_999);
  assert.ok(!requests[0].isCanceled);
  await pass(1);
  assert.ok(requests[0].isCanceled);
  await pass(2);
  assert.deepEqual(await found, [2]);
});

test("events are polled where no stream comes through, and the stream is tried again later", async () => {
  const pass = stopClock();
  const states = [];
  const { client, requests } = clientOf([
    page([], 1),
    noAnswer,
    page([2, 3], 5),
    page([7], 8),
    stream([begin(8), told(9)]),
  ]);
  const found = positions(client, 4, { pollInterval: 200_000, onState: (state) => states.push(state) });
  await pass(9_999);
  assert.equal(requests.length, 2);
  await pass(1);
  assert.ok(requests[1].signal.aborted);
  await pass(200_000);
  await pass(200_000);
  await pass(1_000);
  assert.deepEqual(await found, [2, 3, 7, 9]);
  assert.deepEqual(requests.slice(1).map(({ path }) => path), [
    "/api/events/stream",
    "/api/events?limit=1000&after=1",
    "/api/events?limit=1000&after=5",
    "/api/events/stream",
  ]);
  assert.deepEqual(lastIds(requests), [undefined, "1", undefined, undefined, "8"]);
  assert.deepEqual(states, ["polling", "waiting", "streaming"]);
});

test("a full page is followed by the next one at once", async () => {
  const pass = stopClock();
  const full = Array.from({ length: 1_000 }, (_, index) => index + 1);
  const { client } = clientOf([noAnswer, page(full, 1_000), page([1_001], 1_001)]);
  const found = positions(client, 1_001, { after: 0 });
  await pass(10_000);
  assert.equal((await found).length, 1_001);
});

test("who cannot poll either tries the stream again", async () => {
  const pass = stopClock();
  const { client, requests } = clientOf([noAnswer, noConnection, stream([told(2)])]);
  const found = positions(client, 1, { after: 1 });
  await pass(10_000);
  await pass(1_000);
  assert.deepEqual(await found, [2]);
  assert.equal(requests[2].path, "/api/events/stream");
});

test("an aborted iteration rejects with the reason, whatever it waits for", async () => {
  const reason = new Error("the page is gone");
  const waits = [
    [noAnswer, "after a request"],
    [stream([begin(1)], "stay open"), "for an event"],
    [refusal(503, "not_ready", { "Retry-After": "60" }), "for the service"],
  ];
  for (const [answer, name] of waits) {
    const controller = new AbortController();
    const { client, requests } = clientOf([answer]);
    const failure = failureOf(positions(client, 1, { after: 1, signal: controller.signal }));
    while (requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(reason);
    assert.equal(await failure, reason, name);
    assert.equal(requests.length, 1);
  }
});
