// What happens, by type: docs/http-api.md lists the facts of each. A test holds the types to the API's description.

import type { components } from "./schema.ts";

/** The types of events. */
export type EventType = components["schemas"]["Event"]["type"];

interface OfStream {
  stream_id: number;
  playback_id: string;
}

interface OfBroadcast extends OfStream {
  /** The media server's name. */
  server: string;
  /** What the media server calls the publisher's protocol, such as `rtmp`. */
  protocol: string;
  /** When the broadcast began. */
  live_since: string;
}

interface OfSchedule {
  schedule_id: number;
  starts_at: string;
  ends_at: string;
}

/** The facts of each type. Fields may be added. */
export interface EventData {
  /** A key was generated. */
  "stream.created": OfStream & { expires_at: string };
  /** The details of an active stream were changed. */
  "stream.updated": OfStream;
  /** The stream was stopped, or deleted. */
  "stream.stopped": OfStream & { reason: "stopped" | "deleted" };
  /** The stream's time was up. */
  "stream.expired": OfStream & { reason: "expired" };
  /** A publisher brings media, and none did before. */
  "stream.live": OfBroadcast;
  /** The broadcast goes on with another session. */
  "stream.publisher_changed": OfBroadcast;
  /** The broadcast has ended; `reason` is how its last session ended. */
  "stream.offline": OfStream & { live_since: string; reason: string };
  /** A publisher was refused. */
  "stream.publish_refused": OfStream & {
    server: string;
    reason: components["schemas"]["Attempt"]["reason"];
    /** The publisher's IP address. */
    address: string | null;
  };
  /** The owner planned a stream. */
  "schedule.created": OfSchedule;
  /** The owner changed a schedule. */
  "schedule.updated": OfSchedule;
  /** The owner canceled a schedule. */
  "schedule.canceled": OfSchedule;
  /** The time of a schedule passed without a stream. */
  "schedule.missed": OfSchedule;
  /** Nothing is sent to an endpoint any more. */
  "webhook.disabled": { webhook_id: number; reason: "owner" | "gone" | "failing" };
  /** An endpoint's owner asked for it; it is delivered to that endpoint alone. */
  "webhook.test": { webhook_id: number };
}

/** An event of one type. */
export interface EventOf<Type extends EventType> {
  /** Its place in the log of everybody's events: where to go on after it. */
  position: number;
  type: Type;
  /** When it was written down. */
  at: string;
  data: EventData[Type];
}

/**
 * Something that happened; `type` tells which, and what `data` is.
 * A later version of the service may have more types: pass over those that you do not know.
 */
export type StreamServiceEvent = { [Type in EventType]: EventOf<Type> }[EventType];

/** The events of some types. */
export type EventAmong<Type extends EventType> = Extract<StreamServiceEvent, { type: Type }>;
