// What compiles, and what must not: `npm run check` compiles this file, and nothing runs it.

import {
  createClient,
  isStreamServiceError,
  type ErrorCode,
  type EventData,
  type EventType,
  type Schedule,
  type Stream,
  type StreamServiceClient,
  type StreamServiceEvent,
} from "../src/index.ts";

/** Compiles for equal types alone. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
function holds<_Claim extends true>(): void {}

const client: StreamServiceClient = createClient({ baseUrl: "", token: async (refused) => refused ?? "token" });

// The types of events are those of the API's description.
holds<Same<keyof EventData, EventType>>();
holds<Same<StreamServiceEvent["type"], EventType>>();

export async function answersHaveTheTypesOfTheDescription(): Promise<void> {
  const { stream } = await client.generateKey({ title: "Quiz", schedule_id: 5 });
  holds<Same<typeof stream, Stream>>();
  const schedule = await client.schedules.plan({ starts_at: "2026-01-02T20:00:00Z", ends_at: "2026-01-02T21:00:00Z" });
  holds<Same<typeof schedule, Schedule>>();
  const added = await client.webhooks.add({ url: "https://receiver.example/", types: ["stream.live"] });
  added.secret satisfies string;
  const shown = await client.webhooks.show(added.id);
  // @ts-expect-error A secret is shown once.
  shown.secret;
  // @ts-expect-error Lists have no descriptions.
  (await client.publicStreams.list()).streams[0]?.description;
  // @ts-expect-error A list may be empty.
  (await client.publicStreams.list()).streams[0].id;
  (await client.publicStreams.find("p1")).description satisfies string | null;
  const health = await client.health();
  if ("reason" in health) health.reason satisfies string;
}

export async function requestsHaveTheTypesOfTheDescription(signal: AbortSignal): Promise<void> {
  await client.stop({ signal, timeout: 1_000, retry: { attempts: 2 } });
  // @ts-expect-error There is no such field.
  await client.generateKey({ titel: "Quiz" });
  // @ts-expect-error There is no such label.
  await client.channel.replace({ content_labels: ["loud"] });
  // @ts-expect-error A schedule has an end.
  await client.schedules.plan({ starts_at: "2026-01-02T20:00:00Z" });
  // @ts-expect-error There is no such filter.
  await client.publicStreams.list({ title: "Quiz" });
  // @ts-expect-error There is no such type of events.
  await client.webhooks.add({ url: "https://receiver.example/", types: ["stream.started"] });
  // @ts-expect-error There is no such state.
  await client.webhooks.deliveries.list(1, { status: "lost" });
  // @ts-expect-error Cursors are followed, not given.
  client.publicStreams.all({ cursor: "a" });
  // @ts-expect-error Nobody is asked without an address.
  createClient({ token: "token" });
}

export function errorsAreNarrowedByTheirCode(error: unknown): void {
  if (isStreamServiceError(error, "stream_already_active")) {
    holds<Same<typeof error.code, "stream_already_active">>();
    error.stream.ingest.server satisfies string;
  }
  if (isStreamServiceError(error, "schedule_over", "schedule_conflict")) {
    holds<Same<typeof error.code, "schedule_over" | "schedule_conflict">>();
    // @ts-expect-error Only one code has it.
    error.stream.id;
  }
  if (isStreamServiceError(error)) {
    error.retryAfter satisfies number | null;
    const code = error.code;
    // Documented codes are proposed, and others are allowed.
    if (code === "no_coffee" || code === ("not_ready" satisfies ErrorCode)) return;
    // @ts-expect-error An answer that is not the service's has none.
    code satisfies string;
  }
  // @ts-expect-error There is no such code.
  isStreamServiceError(error, "stream_already_activ");
}

export async function eventsAreNarrowedByTheirType(signal: AbortSignal): Promise<void> {
  for await (const event of client.events({ after: 0, signal })) {
    if (event.type === "stream.live") {
      event.data.server satisfies string;
      // @ts-expect-error It has begun.
      event.data.reason;
    } else if (event.type === "schedule.missed") {
      event.data.schedule_id satisfies number;
    }
    // @ts-expect-error Not every event is one of a stream.
    event.data.stream_id;
  }
  for await (const event of client.events({ types: ["stream.live", "stream.offline"] })) {
    holds<Same<typeof event.type, "stream.live" | "stream.offline">>();
    event.data.live_since satisfies string;
  }
  // @ts-expect-error There is no such type.
  client.events({ types: ["stream.started"] });
}

export async function listsAreReadItemByItem(): Promise<void> {
  for await (const stream of client.publicStreams.all({ live: true, category: "talk" })) stream.title satisfies string | null;
  for await (const page of client.webhooks.deliveries.pages(1, { status: "failed" })) page[0]?.attempts;
  const { list } = client.publicStreams;
  const first = await list({ live: true });
  await list({ live: true }, { previous: first });
}
