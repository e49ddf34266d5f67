// The running service that tests/journeys/client.rs names: `SERVICE_URL`, and a token for each user in `SERVICE_TOKENS`.

import { createClient } from "../../dist/index.js";

const tokens = JSON.parse(process.env.SERVICE_TOKENS);

/** A client of the running service, for a user. */
export function clientOf(user, options = {}) {
  return createClient({ baseUrl: process.env.SERVICE_URL, token: tokens[user], ...options });
}

/** The address of a receiver of webhooks. */
export const receiver = process.env.RECEIVER_URL;

/** Everything that an iteration has. */
export async function collected(iteration) {
  const items = [];
  for await (const item of iteration) items.push(item);
  return items;
}

/** The first items of an iteration. */
export async function first(count, iteration) {
  const items = [];
  for await (const item of iteration) {
    items.push(item);
    if (items.length === count) break;
  }
  return items;
}
