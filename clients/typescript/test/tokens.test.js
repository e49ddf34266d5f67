// Where tokens go, and how they are renewed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clientOf, failureOf, json, refusal } from "./fake_service.js";

const expired = refusal(401, "token_expired");

test("a token is in the header, and not in the address", async () => {
  const { client, requests } = clientOf([json(200, { streams: [] })], { token: "t0ken" });
  await client.streams.list({ limit: 5 });
  assert.equal(requests[0].headers.Authorization, "Bearer t0ken");
  assert.equal(requests[0].path, "/api/streams?limit=5");
});

test("a token that is a text is not tried twice", async () => {
  const { client, requests } = clientOf([expired]);
  assert.equal((await failureOf(client.streams.list())).code, "token_expired");
  assert.equal(requests.length, 1);
});

test("a refused token is renewed once, for a POST too", async () => {
  const asked = [];
  const token = async (refused) => {
    asked.push(refused);
    return refused === undefined ? "old" : "new";
  };
  const { client, requests } = clientOf([expired, json(201, {})], { token });
  await client.generateKey({ title: "Quiz" });
  assert.deepEqual(asked, [undefined, "old"]);
  assert.deepEqual(requests.map((request) => request.headers.Authorization), ["Bearer old", "Bearer new"]);
  assert.equal(requests[1].body, '{"title":"Quiz"}');

  const { client: other, requests: sent } = clientOf([expired], { token });
  assert.equal((await failureOf(other.stop())).status, 401);
  assert.equal(sent.length, 2);
});

test("a token that is not renewed is not tried again", async () => {
  const { client, requests } = clientOf([expired], { token: () => "same" });
  assert.equal((await failureOf(client.stop())).code, "token_expired");
  assert.equal(requests.length, 1);
});

test("the function is asked for each request", async () => {
  let count = 0;
  const { client, requests } = clientOf([json(200, {})], { token: () => `token-${(count += 1)}` });
  await client.channel.show();
  await client.channel.show();
  assert.equal(requests[1].headers.Authorization, "Bearer token-2");
});

test("what the function throws is what the call rejects with, and nothing is sent", async () => {
  const signedOut = new Error("signed out");
  const { client, requests } = clientOf([json(200, {})], { token: () => Promise.reject(signedOut) });
  assert.equal(await failureOf(client.channel.show()), signedOut);
  assert.equal(requests.length, 0);
});

test("a function that never returns does not outlast the call", async () => {
  const { client } = clientOf([json(200, {})], { token: () => new Promise(() => {}) });
  const signal = AbortSignal.timeout(5);
  assert.equal((await failureOf(client.channel.show({ signal }))).name, "TimeoutError");
});
