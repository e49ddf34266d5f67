// The log of events, read in two ways.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isStreamServiceError } from "../../dist/index.js";
import { clientOf, first } from "./service.js";

test("what happens is told as it happens, and by position", async () => {
  const client = clientOf(40);
  const controller = new AbortController();
  let streams;
  const streaming = new Promise((resolve) => (streams = resolve));
  const told = first(4, client.events({ signal: controller.signal, onState: streams }));
  assert.equal(await streaming, "streaming");
  const { stream } = await client.generateKey();
  await client.streams.replaceDetails(stream.id, { title: "Größe" });
  await client.stop();
  await client.schedules.plan({
    starts_at: new Date(Date.now() + 3_600_000).toISOString(),
    ends_at: new Date(Date.now() + 7_200_000).toISOString(),
  });
  const events = await told;
  assert.deepEqual(
    events.map(({ type }) => type),
    ["stream.created", "stream.updated", "stream.stopped", "schedule.created"],
  );
  assert.equal(events[0].data.playback_id, stream.playback_id);
  assert.equal(events[2].data.reason, "stopped");
  const page = await client.listEvents({ limit: 1_000 });
  assert.deepEqual(page.events, events);
  assert.deepEqual((await client.listEvents({ after: page.next })).events, []);
  const stops = await first(1, client.events({ after: 0, types: ["stream.stopped"] }));
  assert.deepEqual(stops, [events[2]]);
});

test("a position that the log does not have is told", async () => {
  const failure = await first(1, clientOf(41).events({ after: 999_999 })).catch((error) => error);
  assert.ok(isStreamServiceError(failure, "events_forgotten") && failure.status === 410, String(failure));
});

test("what a proxy holds back is polled", async () => {
  // It passes on the head of a stream, and nothing of its body.
  const holding = async (address, init) => {
    const response = await fetch(address, init);
    if (!String(address).includes("/events/stream")) return response;
    const body = new ReadableStream({ cancel: () => response.body.cancel() });
    return new Response(body, { headers: response.headers });
  };
  const client = clientOf(42, { fetch: holding });
  const states = [];
  let polls;
  const polling = new Promise((resolve) => (polls = resolve));
  const onState = (state) => {
    states.push(state);
    polls();
  };
  const told = first(2, client.events({ firstByteTimeout: 200, pollInterval: 50, onState }));
  await polling;
  await client.generateKey();
  await client.stop();
  assert.deepEqual((await told).map(({ type }) => type), ["stream.created", "stream.stopped"]);
  assert.deepEqual(states, ["polling"]);
});
