// Names for the types of the API. All of them come from its description; `npm run generate` writes schema.ts.
// Times are texts as of RFC 3339 in UTC, such as `2026-01-02T03:04:05.678901Z`.

import type { components } from "./schema.ts";

type Schemas = components["schemas"];

export type AdminFigures = Schemas["AdminFigures"];
export type AdminServer = Schemas["AdminServer"];
export type AdminStream = Schemas["ListedAdminStream"];
export type Attempt = Schemas["Attempt"];
export type AttemptList = Schemas["AttemptList"];
export type BlockedUser = Schemas["BlockedUser"];
export type Category = Schemas["Category"];
export type CategoryList = Schemas["CategoryList"];
export type Delivery = Schemas["Delivery"];
export type DeliveryAttempt = Schemas["DeliveryAttempt"];
export type DeliveryPage = Schemas["DeliveryPage"];
export type DescribedStream = Schemas["DescribedStream"];
export type Details = Schemas["Details"];
export type DetailsForm = Schemas["DetailsForm"];
export type EventPage = Schemas["EventPage"];
export type Examination = Schemas["Examination"];
export type Finding = Schemas["Finding"];
export type GeneratedKey = Schemas["GeneratedKey"];
export type Health = Schemas["Health"];
export type Ingest = Schemas["Ingest"];
export type IngestAlternative = Schemas["IngestAlternative"];
export type LatencyFigures = Schemas["LatencyFigures"];
export type ListedSchedule = Schemas["ListedSchedule"];
export type ListedStream = Schemas["ListedStream"];
export type NewStreamForm = Schemas["NewStreamForm"];
export type Schedule = Schemas["Schedule"];
export type ScheduleForm = Schemas["ScheduleForm"];
export type SchedulePage = Schemas["SchedulePage"];
export type Session = Schemas["Session"];
export type SessionList = Schemas["SessionList"];
export type StoppedStream = Schemas["StoppedStream"];
export type Stream = Schemas["Stream"];
export type StreamList = Schemas["StreamList"];
export type Unhealthy = Schemas["Unhealthy"];
export type Webhook = Schemas["Webhook"];
export type WebhookForm = Schemas["WebhookForm"];
export type WebhookList = Schemas["WebhookList"];
export type WebhookWithSecret = Schemas["WebhookWithSecret"];

/** A documented code of an error. Codes are never renamed; a later version of the service may have more. */
export type ErrorCode = Schemas["Error"]["code"];
