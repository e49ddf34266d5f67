// Every route that frontends use has a method, which asks as the API's description says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { clientOf, json, stream } from "./fake_service.js";

const description = JSON.parse(
  readFileSync(new URL("../../../crates/stream-http/openapi.json", import.meta.url), "utf8"),
);

const form = { title: "Quiz" };
const schedule = { starts_at: "2026-01-02T20:00:00+02:00", ends_at: "2026-01-02T21:00:00+02:00" };
const webhook = { url: "https://receiver.example/" };

/** The operations, how they are called, and where that has to arrive. */
const calls = {
  generate_key: [(client) => client.generateKey(form), "/api/streams/generate-key", form],
  stop_stream: [(client) => client.stop(), "/api/streams/stop"],
  list_own: [(client) => client.streams.list({ limit: 2, cursor: "a" }), "/api/streams?limit=2&cursor=a"],
  list_sessions: [(client) => client.streams.sessions(7), "/api/streams/7/sessions"],
  list_attempts: [(client) => client.streams.attempts(), "/api/streams/attempts"],
  show_details: [(client) => client.streams.details(7), "/api/streams/7/details"],
  replace_details: [(client) => client.streams.replaceDetails(7, form), "/api/streams/7/details", form],
  find_stream: [(client) => client.streams.find("a/b?c"), "/api/streams/a%2Fb%3Fc"],
  show_channel: [(client) => client.channel.show(), "/api/channel"],
  replace_channel: [(client) => client.channel.replace(form), "/api/channel", form],
  list_public: [(client) => client.publicStreams.list({ live: true, q: "a b" }), "/api/streams/public?live=true&q=a+b"],
  find_public_stream: [(client) => client.publicStreams.find("p1"), "/api/streams/public/p1"],
  list_own_schedules: [(client) => client.schedules.list({ limit: 1 }), "/api/schedule?limit=1"],
  plan_schedule: [(client) => client.schedules.plan(schedule), "/api/schedule", schedule],
  show_schedule: [(client) => client.schedules.show(5), "/api/schedule/5"],
  replace_schedule: [(client) => client.schedules.replace(5, schedule), "/api/schedule/5", schedule],
  cancel_schedule: [(client) => client.schedules.cancel(5), "/api/schedule/5"],
  list_public_schedules: [
    (client) => client.publicSchedules.list({ from: schedule.starts_at }),
    "/api/schedule/public?from=2026-01-02T20%3A00%3A00%2B02%3A00",
  ],
  show_calendar: [(client) => client.publicSchedules.calendar({ user: 3 }), "/api/schedule/public.ics?user=3"],
  list_categories: [(client) => client.categories(), "/api/categories"],
  list_events: [
    (client) => client.listEvents({ after: 0, types: ["stream.live", "stream.offline"] }),
    "/api/events?after=0&types=stream.live%2Cstream.offline",
  ],
  stream_events: [
    async (client) => {
      for await (const _ of client.events({ after: 3, types: ["stream.live"] })) break;
    },
    "/api/events/stream?types=stream.live",
  ],
  list_webhooks: [(client) => client.webhooks.list(), "/api/webhooks"],
  add_webhook: [(client) => client.webhooks.add(webhook), "/api/webhooks", webhook],
  show_webhook: [(client) => client.webhooks.show(4), "/api/webhooks/4"],
  replace_webhook: [(client) => client.webhooks.replace(4, webhook), "/api/webhooks/4", webhook],
  remove_webhook: [(client) => client.webhooks.remove(4), "/api/webhooks/4"],
  rotate_secret: [(client) => client.webhooks.rotateSecret(4), "/api/webhooks/4/secret"],
  test_webhook: [(client) => client.webhooks.test(4), "/api/webhooks/4/test"],
  replay_events: [(client) => client.webhooks.replay(4, 9), "/api/webhooks/4/replay", { after: 9 }],
  list_deliveries: [
    (client) => client.webhooks.deliveries.list(4, { status: "failed" }),
    "/api/webhooks/4/deliveries?status=failed",
  ],
  retry_delivery: [(client) => client.webhooks.deliveries.retry(4, 9), "/api/webhooks/4/deliveries/9/retry"],
  list_all_streams: [(_, admin) => admin.streams.list({ live: true, limit: 5 }), "/api/admin/streams?live=true&limit=5"],
  stop_any_stream: [(_, admin) => admin.streams.stop(8), "/api/admin/streams/8/stop"],
  list_blocked_users: [(_, admin) => admin.users.blocked(), "/api/admin/users/blocked"],
  block_user: [(_, admin) => admin.users.block(3, "Spam"), "/api/admin/users/3/block", { reason: "Spam" }],
  unblock_user: [(_, admin) => admin.users.unblock(3), "/api/admin/users/3/block"],
  list_servers: [(_, admin) => admin.servers(), "/api/admin/servers"],
  examine_installation: [(_, admin) => admin.health(), "/api/admin/health"],
  show_figures: [(_, admin) => admin.figures(), "/api/admin/figures"],
  show_health: [(client) => client.health(), "/health"],
};

const answers = {
  show_calendar: new Response("BEGIN:VCALENDAR\r\n", { headers: { "Content-Type": "text/calendar" } }),
  stream_events: stream(['id: 4\nevent: stream.live\ndata: {"position":4}\n\n']),
  show_health: json(200, { service: "stream-service", status: "healthy" }),
};

/** The operations of the description that a frontend uses, with their methods. */
function* operations() {
  for (const [path, methods] of Object.entries(description.paths)) {
    if (!path.startsWith("/api/") && path !== "/health") continue;
    for (const [method, operation] of Object.entries(methods)) yield { path, method, ...operation };
  }
}

test("every operation is called where it is, with a token if it takes one", async () => {
  const described = [...operations()];
  assert.deepEqual(described.map(({ operationId }) => operationId).sort(), Object.keys(calls).sort());
  for (const { operationId, method, path, security } of described) {
    const [call, address, body] = calls[operationId];
    const { client, admin, requests } = clientOf([answers[operationId] ?? json(200, {})]);
    await call(client, admin);
    const request = requests[0];
    assert.equal(request.method, method.toUpperCase(), operationId);
    assert.equal(request.path, address, operationId);
    assert.match(request.url.pathname, new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`), operationId);
    assert.equal("Authorization" in request.headers, security !== undefined, operationId);
    assert.equal(request.body, body && JSON.stringify(body), operationId);
    assert.equal(request.headers["Content-Type"], body && "application/json", operationId);
  }
});

test("a name cannot lead to another route", async () => {
  for (const name of ["..", ".", ""]) {
    const { client, requests } = clientOf([json(200, {})]);
    await assert.rejects(client.publicStreams.find(name), TypeError);
    assert.equal(requests.length, 0);
  }
});

test("the service may be below a path, and a calendar's address is whole", async () => {
  const { client, requests } = clientOf([json(200, {})], { baseUrl: "https://platform.example/live/" });
  await client.channel.show();
  assert.equal(requests[0].url.href, "https://platform.example/live/api/channel");
  assert.equal(
    client.publicSchedules.calendarUrl({ user: 3 }),
    "https://platform.example/live/api/schedule/public.ics?user=3",
  );
});

test("a calendar that is none is an error", async () => {
  const { client } = clientOf([new Response("<html>")], { retry: false });
  await assert.rejects(client.publicSchedules.calendar(), { status: 200, code: null });
});
