// Schedules: streams that are announced.

import { paged } from "./pages.ts";
import { textOf, type CallOptions, type ConditionalOptions, type Transport } from "./transport.ts";
import { errorOf } from "./errors.ts";
import type { OperationAt, QueryOf } from "./operations.ts";
import type { ScheduleForm, SchedulePage } from "./types.ts";

type OwnQuery = QueryOf<OperationAt<"/api/schedule", "get">>;
type PublicQuery = QueryOf<OperationAt<"/api/schedule/public", "get">>;
type CalendarQuery = QueryOf<OperationAt<"/api/schedule/public.ics", "get">>;

/** The caller's own schedules. */
export function ownSchedules(transport: Transport) {
  const list = (query: OwnQuery = {}, options?: CallOptions) =>
    transport.call("get", "/api/schedule", { query }, options);
  return {
    /** A page of schedules, soonest first: 50 of them unless the query has a `limit`. */
    list,
    ...paged(list, (page) => page.schedules),
    /** A schedule. Fails with `schedule_not_found`. */
    show: (id: number, options?: CallOptions) =>
      transport.call("get", "/api/schedule/{id}", { names: { id } }, options),
    /** Plans a stream. Fails with `schedule_conflict`, `too_many_schedules`, or the field's code, such as `invalid_starts_at`. */
    plan: (schedule: ScheduleForm, options?: CallOptions) =>
      transport.call("post", "/api/schedule", { body: schedule }, options),
    /**
     * Replaces all fields of a schedule: one that is absent, `null` or empty is cleared.
     * Fails with `schedule_not_found`, `schedule_conflict`, `schedule_over`, or the field's code.
     */
    replace: (id: number, schedule: ScheduleForm, options?: CallOptions) =>
      transport.call("put", "/api/schedule/{id}", { names: { id }, body: schedule }, options),
    /** Cancels a schedule; it is kept, and canceling it again changes nothing. Fails with `schedule_not_found` or `schedule_over`. */
    cancel: (id: number, options?: CallOptions) =>
      transport.call("delete", "/api/schedule/{id}", { names: { id } }, options),
  };
}

/** What everybody may see of what is planned, without a token. */
export function publicSchedules(transport: Transport) {
  const list = (query: PublicQuery = {}, options?: ConditionalOptions<SchedulePage>) =>
    transport.call("get", "/api/schedule/public", { query, token: "omit" }, options);
  return {
    /** A page of what has not ended, soonest first: 50 schedules unless the query has a `limit`. */
    list,
    ...paged(list, (page) => page.schedules),
    /** The address of the calendar, to subscribe to: of everybody, or of one user. */
    calendarUrl: (query: CalendarQuery = {}) => transport.url("/api/schedule/public.ics", query),
    /** The calendar, as the text of an iCalendar file. */
    calendar: (query: CalendarQuery = {}, options: CallOptions = {}): Promise<string> =>
      transport.send(
        { method: "get", path: "/api/schedule/public.ics", query, token: "omit", headers: { Accept: "text/calendar" } },
        options,
        async (response) => {
          const text = await textOf(response);
          const isCalendar = response.ok && text.startsWith("BEGIN:VCALENDAR");
          if (!isCalendar) throw errorOf(response, text);
          return text;
        },
      ),
  };
}
