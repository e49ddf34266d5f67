// Keys, details and public lists.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isStreamServiceError } from "../../dist/index.js";
import { clientOf, collected } from "./service.js";

const details = {
  title: "Größe & <b>",
  description: "Two\nlines",
  tags: ["Quiz"],
  category: null,
  language: "en",
  content_labels: ["violence"],
  visibility: "public",
};

/** What a promise rejects with. */
const failureOf = (promise) => promise.then(() => assert.fail("it did not fail"), (error) => error);

test("a key is generated once, found by everybody, and stopped", async () => {
  const client = clientOf(1);
  const { stream, message } = await client.generateKey({ title: "Quiz" });
  assert.equal(stream.status, "active");
  assert.ok(message.length > 0);

  const active = await failureOf(client.generateKey());
  assert.ok(isStreamServiceError(active, "stream_already_active"), String(active));
  assert.deepEqual([active.status, active.stream], [409, stream]);
  assert.match(active.requestId, /^[A-Za-z0-9._-]+$/);

  assert.equal((await clientOf(1, { token: undefined }).streams.find(stream.stream_key)).id, stream.id);
  assert.equal((await client.publicStreams.find(stream.playback_id)).title, "Quiz");
  assert.deepEqual((await client.streams.list()).streams.map(({ id }) => id), [stream.id]);
  assert.deepEqual(await client.streams.sessions(stream.id), { sessions: [] });
  assert.deepEqual(await client.streams.attempts(), { attempts: [] });

  assert.equal((await client.stop()).stream_id, stream.id);
  const stopped = await failureOf(client.publicStreams.find(stream.playback_id));
  assert.ok(isStreamServiceError(stopped, "stream_stopped") && stopped.status === 410);
  assert.ok(isStreamServiceError(await failureOf(client.stop()), "no_active_stream"));
});

test("a channel's details are those of the next stream, whose own are replaced", async () => {
  const client = clientOf(2);
  assert.deepEqual(await client.channel.replace(details), details);
  assert.deepEqual(await client.channel.show(), details);
  const { stream } = await client.generateKey();
  assert.deepEqual(await client.streams.details(stream.id), details);
  const changed = await client.streams.replaceDetails(stream.id, { title: "Other" });
  assert.deepEqual([changed.title, changed.tags, changed.description], ["Other", [], null]);
  await client.stop();
  assert.equal((await failureOf(client.streams.replaceDetails(stream.id, {}))).code, "stream_ended");
});

test("what is wrong with a request has a code and a sentence", async () => {
  const client = clientOf(3);
  for (const [call, status, code] of [
    [() => client.channel.replace({ title: "a".repeat(141) }), 400, "invalid_title"],
    [() => client.channel.replace({ category: "nothing" }), 400, "invalid_category"],
    [() => client.channel.replace({ titel: "a" }), 400, "invalid_body"],
    [() => client.streams.list({ limit: 0 }), 400, "invalid_limit"],
    [() => client.streams.sessions(999_999), 404, "stream_not_found"],
    [() => client.publicStreams.find("unknown"), 404, "stream_not_found"],
    [() => client.publicStreams.list({ q: "!" }), 400, "invalid_q"],
    [() => client.generateKey({ schedule_id: 999_999 }), 404, "schedule_not_found"],
    [() => clientOf(3, { token: "no token" }).channel.show(), 401, "invalid_token"],
    [() => clientOf(3, { token: undefined }).channel.show(), 401, "missing_token"],
  ]) {
    const error = await failureOf(call());
    assert.deepEqual([error.status, error.code], [status, code]);
    assert.ok(error.message.length > 10);
  }
});

test("a refused token is renewed", async () => {
  const token = (refused) => (refused === undefined ? "stale" : JSON.parse(process.env.SERVICE_TOKENS)[3]);
  assert.equal((await clientOf(3, { token }).channel.show()).visibility, "public");
});

test("who is too fast waits as long as the service asks", async () => {
  const client = clientOf(4);
  await client.generateKey();
  await client.stop();
  const error = await failureOf(client.generateKey({}, { retry: false }));
  assert.ok(isStreamServiceError(error, "too_many_requests"), String(error));
  assert.equal(error.retryAfter, 1);
  assert.equal((await client.generateKey()).stream.status, "active");
});

test("public lists are read page by page, and revalidated", async () => {
  const users = [10, 11, 12, 13, 14];
  for (const user of users) await clientOf(user).generateKey({ title: "Paged", tags: ["paged"] });
  const client = clientOf(10, { token: undefined });
  const pages = await collected(client.publicStreams.pages({ tag: "paged", limit: 2 }));
  assert.deepEqual(pages.map((page) => page.length), [2, 2, 1]);
  const all = await collected(client.publicStreams.all({ tag: "paged", limit: 2 }));
  assert.deepEqual(all, pages.flat());
  assert.equal(new Set(all.map(({ id }) => id)).size, users.length);

  const list = await client.publicStreams.list({ tag: "paged" });
  assert.equal(await client.publicStreams.list({ tag: "paged" }, { previous: list }), list);
  await clientOf(10).stop();
  const changed = await client.publicStreams.list({ tag: "paged" }, { previous: list });
  assert.equal(changed.streams.length, users.length - 1);
  assert.deepEqual((await client.categories()).categories.map(({ slug }) => slug), ["talk"]);
});

test("the service is healthy", async () => {
  const health = await clientOf(1).health();
  assert.deepEqual([health.status, health.database], ["healthy", "connected"]);
});
