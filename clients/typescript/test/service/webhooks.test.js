// Endpoints, and what is delivered there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clientOf, collected, first, receiver } from "./service.js";

/** Reads until it is so; the journey ends what takes for ever. */
async function eventually(read, holds) {
  for (;;) {
    const found = await read();
    if (holds(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("an endpoint is added, tested, delivered to, changed and removed", async () => {
  const client = clientOf(30);
  const { secret, ...added } = await client.webhooks.add({ url: receiver, description: "Chat" });
  assert.match(secret, /^whsec_/);
  assert.deepEqual(await client.webhooks.show(added.id), added);
  assert.deepEqual((await client.webhooks.list()).webhooks, [added]);
  assert.notEqual((await client.webhooks.rotateSecret(added.id)).secret, secret);
  await client.webhooks.test(added.id);
  await client.generateKey();
  await client.stop();

  const { deliveries } = client.webhooks;
  const delivered = () => collected(deliveries.all(added.id, { status: "delivered", limit: 2 }));
  const all = await eventually(delivered, (found) => found.length === 3);
  assert.deepEqual(all.map(({ type }) => type).sort(), ["stream.created", "stream.stopped", "webhook.test"]);
  assert.equal(all[0].attempts[0].status, 204);
  assert.equal((await deliveries.list(added.id, { limit: 1 })).deliveries.length, 1);
  assert.equal((await deliveries.retry(added.id, all[0].position)).position, all[0].position);
  await client.webhooks.replay(added.id, 0);
  await assert.rejects(deliveries.retry(added.id, 999_999), { code: "delivery_not_found" });

  const off = await client.webhooks.replace(added.id, { url: receiver, types: ["stream.live"], enabled: false });
  assert.deepEqual([off.enabled, off.disabled_reason, off.types], [false, "owner", ["stream.live"]]);
  await assert.rejects(client.webhooks.test(added.id), { status: 409, code: "webhook_disabled" });
  const [event] = await first(1, client.events({ after: 0, types: ["webhook.disabled"] }));
  assert.deepEqual(event.data, { webhook_id: added.id, reason: "owner" });
  await client.webhooks.remove(added.id);
  await assert.rejects(client.webhooks.remove(added.id), { code: "webhook_not_found" });
  await assert.rejects(client.webhooks.show(added.id), { code: "webhook_not_found" });
  await assert.rejects(client.webhooks.add({ url: "ftp://receiver.example" }), { code: "invalid_url" });
});
