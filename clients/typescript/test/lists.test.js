// Lists: page by page, and only if they have changed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clientOf, json } from "./fake_service.js";

const pages = [
  json(200, { streams: [{ id: 3 }, { id: 2 }], next_cursor: "second" }),
  json(200, { streams: [], next_cursor: "third" }),
  json(200, { streams: [{ id: 1 }] }),
];

test("pages and items come in order, and cursors are followed", async () => {
  const { client, requests } = clientOf(pages);
  const found = [];
  for await (const page of client.publicStreams.pages({ live: true })) found.push(page.map(({ id }) => id));
  assert.deepEqual(found, [[3, 2], [], [1]]);
  assert.deepEqual(
    requests.map((request) => request.path),
    ["", "&cursor=second", "&cursor=third"].map((cursor) => `/api/streams/public?limit=100&live=true${cursor}`),
  );
  const { client: other } = clientOf(pages);
  const ids = [];
  for await (const { id } of other.streams.all({ limit: 2 })) ids.push(id);
  assert.deepEqual(ids, [3, 2, 1]);
});

test("a page that nobody asks for is not fetched", async () => {
  const { client, requests } = clientOf(pages);
  for await (const stream of client.streams.all()) if (stream.id === 2) break;
  assert.equal(requests.length, 1);
});

test("schedules and deliveries come in pages too", async () => {
  const schedules = clientOf([json(200, { schedules: [{ id: 1 }], next_cursor: "b" }), json(200, { schedules: [{ id: 2 }] })]);
  const ids = [];
  for await (const { id } of schedules.client.publicSchedules.all()) ids.push(id);
  assert.deepEqual(ids, [1, 2]);
  const deliveries = clientOf([json(200, { deliveries: [{ position: 9 }], next_cursor: "b" }), json(200, { deliveries: [] })]);
  const positions = [];
  for await (const { position } of deliveries.client.webhooks.deliveries.all(4, { status: "failed" })) positions.push(position);
  assert.deepEqual(positions, [9]);
  assert.equal(deliveries.requests[1].path, "/api/webhooks/4/deliveries?limit=100&status=failed&cursor=b");
});

test("an unchanged list is the same object", async () => {
  const list = (etag) => json(200, { streams: [] }, { ETag: etag });
  const { client, requests } = clientOf([list('W/"1"'), new Response(null, { status: 304 }), list('W/"2"')]);
  const first = await client.publicStreams.list();
  const second = await client.publicStreams.list({}, { previous: first });
  const third = await client.publicStreams.list({}, { previous: second });
  assert.equal(second, first);
  assert.notEqual(third, first);
  assert.deepEqual(requests.map((request) => request.headers["If-None-Match"]), [undefined, 'W/"1"', 'W/"1"']);
});

test("an answer without a name is asked for anew", async () => {
  const { client, requests } = clientOf([json(200, { streams: [] })]);
  await client.publicStreams.list({}, { previous: await client.publicStreams.list() });
  assert.ok(!("If-None-Match" in requests[1].headers));
});
