// Schedules, and what everybody sees of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isStreamServiceError } from "../../dist/index.js";
import { clientOf, collected } from "./service.js";

/** A schedule that starts in so many hours and lasts for one. */
function inHours(hours) {
  const at = (more) => new Date(Date.now() + (hours + more) * 3_600_000).toISOString();
  return { starts_at: at(0), ends_at: at(1), title: `In ${hours} hours`, category: "talk", time_zone: "Europe/Berlin" };
}

test("a stream is planned, moved, canceled, and seen by everybody until then", async () => {
  const client = clientOf(20);
  const planned = await client.schedules.plan(inHours(2));
  assert.deepEqual([planned.state, planned.user_id], ["scheduled", 20]);
  await assert.rejects(client.schedules.plan(inHours(2.5)), (error) => isStreamServiceError(error, "schedule_conflict"));
  await assert.rejects(client.schedules.plan(inHours(-3)), { code: "invalid_ends_at" });
  const moved = await client.schedules.replace(planned.id, inHours(30));
  assert.equal(moved.title, "In 30 hours");
  assert.deepEqual(await client.schedules.show(planned.id), moved);
  for (const hours of [4, 6, 8]) await client.schedules.plan(inHours(hours));

  const everybody = clientOf(20, { token: undefined });
  const pages = await collected(everybody.publicSchedules.pages({ user: 20, limit: 3 }));
  assert.deepEqual(pages.map((page) => page.length), [3, 1]);
  assert.equal(pages[1][0].id, planned.id);
  const from = inHours(20).starts_at;
  assert.deepEqual((await everybody.publicSchedules.list({ user: 20, from })).schedules.map(({ id }) => id), [planned.id]);
  const calendar = await everybody.publicSchedules.calendar({ user: 20 });
  assert.equal(calendar.match(/BEGIN:VEVENT/g).length, 4);
  assert.equal(await (await fetch(everybody.publicSchedules.calendarUrl({ user: 20 }))).text(), calendar);

  assert.equal((await client.schedules.cancel(planned.id)).state, "canceled");
  assert.equal((await client.schedules.cancel(planned.id)).state, "canceled");
  await assert.rejects(client.schedules.replace(planned.id, inHours(40)), { status: 409, code: "schedule_over" });
  assert.equal((await collected(client.schedules.all({ limit: 2 }))).length, 4);
  assert.equal((await everybody.publicSchedules.list({ user: 20 })).schedules.length, 3);
  await assert.rejects(client.schedules.show(999_999), { code: "schedule_not_found" });
});
