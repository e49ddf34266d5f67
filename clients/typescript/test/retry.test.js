// When requests are sent again.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ConnectionError } from "../dist/index.js";
import { clientOf, failureOf, json, noConnection, refusal, startClock, stopClock } from "./fake_service.js";

afterEach(startClock);

const unavailable = (headers) => refusal(503, "store_unavailable", headers);
const quick = { firstDelay: 1, maxDelay: 2 };

test("the time that the service asks for is waited, and not much longer", async () => {
  const pass = stopClock();
  const { client, requests } = clientOf([unavailable({ "Retry-After": "2" }), json(200, { streams: [] })]);
  const answer = client.streams.list();
  await pass(1_999);
  assert.equal(requests.length, 1);
  await pass(200);
  assert.equal(requests.length, 2);
  assert.deepEqual(await answer, { streams: [] });
});

test("the time may be a date", async () => {
  const pass = stopClock();
  const date = new Date(Date.now() + 3_000).toUTCString();
  const { client, requests } = clientOf([unavailable({ "Retry-After": date }), json(200, { streams: [] })]);
  const answer = client.streams.list();
  await pass(2_999);
  assert.equal(requests.length, 1);
  await pass(200);
  assert.deepEqual(await answer, { streams: [] });
});

test("pauses double, and have a part that is left to chance", async () => {
  const pass = stopClock();
  const { client, requests } = clientOf([noConnection, noConnection, noConnection, json(200, { streams: [] })]);
  const answer = client.streams.list();
  // Half of 500, 1,000 and 2,000 milliseconds: of chance there is nothing here.
  for (const [delay, sent] of [[250, 2], [500, 3], [1_000, 4]]) {
    await pass(delay - 1);
    assert.equal(requests.length, sent - 1);
    await pass(1);
    assert.equal(requests.length, sent);
  }
  assert.deepEqual(await answer, { streams: [] });
});

test("attempts are counted", async () => {
  const { client, requests } = clientOf([noConnection], { retry: quick });
  assert.ok((await failureOf(client.streams.list())) instanceof ConnectionError);
  assert.equal(requests.length, 4);
  await failureOf(client.streams.list({}, { retry: { attempts: 2 } }));
  assert.equal(requests.length, 6);
  await failureOf(client.streams.list({}, { retry: false }));
  assert.equal(requests.length, 7);
});

test("who is asked to wait for longer than the whole time does not wait", async () => {
  const { client, requests } = clientOf([unavailable({ "Retry-After": "31" })]);
  assert.equal((await failureOf(client.streams.list())).retryAfter, 31);
  assert.equal(requests.length, 1);
});

test("what may be repeated is repeated after failures that pass", async () => {
  const calls = [
    (client) => client.streams.list(),
    (client) => client.channel.replace({}),
    (client) => client.webhooks.remove(1),
  ];
  const failures = [noConnection, unavailable({}), refusal(429, "too_many_requests"), new Response("", { status: 502 })];
  for (const call of calls) {
    for (const failure of failures) {
      const { client, requests } = clientOf([failure, json(200, {})], { retry: quick });
      await call(client);
      assert.equal(requests.length, 2);
    }
  }
});

test("a POST is repeated only if it was certainly not done", async () => {
  const post = async (failure) => {
    const { client, requests } = clientOf([failure, json(201, {})], { retry: quick });
    await client.generateKey().catch(() => {});
    return requests.length;
  };
  assert.equal(await post(refusal(429, "too_many_requests")), 2);
  // A database that answers too late may have written the key down.
  assert.equal(await post(unavailable({ "Retry-After": "0" })), 1);
  assert.equal(await post(noConnection), 1);
});

test("what a repetition does not change is not repeated", async () => {
  for (const [status, code] of [[400, "invalid_limit"], [401, "token_expired"], [404, "stream_not_found"], [500, "internal_error"]]) {
    const { client, requests } = clientOf([refusal(status, code)], { retry: quick });
    assert.equal((await failureOf(client.streams.sessions(1))).code, code);
    assert.equal(requests.length, 1, code);
  }
});

test("a client may never repeat", async () => {
  const { client, requests } = clientOf([noConnection], { retry: false });
  await failureOf(client.streams.list());
  assert.equal(requests.length, 1);
});
