// Webhooks: where the caller's events are delivered.

import { paged } from "./pages.ts";
import type { CallOptions, Transport } from "./transport.ts";
import type { OperationAt, QueryOf } from "./operations.ts";
import type { WebhookForm } from "./types.ts";

type DeliveriesQuery = Omit<QueryOf<OperationAt<"/api/webhooks/{id}/deliveries", "get">>, "status"> & {
  status?: "pending" | "delivered" | "failed";
};

/** The caller's endpoints. Calls with an `id` fail with `webhook_not_found`. */
export function webhooks(transport: Transport) {
  return {
    /** The endpoints, the first one first. */
    list: (options?: CallOptions) => transport.call("get", "/api/webhooks", {}, options),
    /** An endpoint, without its secret. */
    show: (id: number, options?: CallOptions) =>
      transport.call("get", "/api/webhooks/{id}", { names: { id } }, options),
    /** Adds an endpoint; the answer has its `secret`, this once. Fails with `too_many_webhooks`, `invalid_url`, and others. */
    add: (webhook: WebhookForm, options?: CallOptions) =>
      transport.call("post", "/api/webhooks", { body: webhook }, options),
    /** Replaces all fields of an endpoint; without `enabled` it is switched on. */
    replace: (id: number, webhook: WebhookForm, options?: CallOptions) =>
      transport.call("put", "/api/webhooks/{id}", { names: { id }, body: webhook }, options),
    /** Removes an endpoint. `webhook_not_found` also means success if the answer to a first attempt was lost. */
    remove: (id: number, options?: CallOptions) =>
      transport.call("delete", "/api/webhooks/{id}", { names: { id } }, options),
    /** Makes a new `secret`; the former one signs along for 24 hours. */
    rotateSecret: (id: number, options?: CallOptions) =>
      transport.call("post", "/api/webhooks/{id}/secret", { names: { id } }, options),
    /** Sends a `webhook.test` there. Fails with `webhook_disabled`. */
    test: (id: number, options?: CallOptions) =>
      transport.call("post", "/api/webhooks/{id}/test", { names: { id } }, options),
    /** Delivers everything after a position once more. Fails with `webhook_disabled` or `events_forgotten`. */
    replay: (id: number, after: number, options?: CallOptions) =>
      transport.call("post", "/api/webhooks/{id}/replay", { names: { id }, body: { after } }, options),
    /** What was and will be delivered to an endpoint. */
    deliveries: deliveries(transport),
  };
}

function deliveries(transport: Transport) {
  const list = (id: number, query: DeliveriesQuery = {}, options?: CallOptions) =>
    transport.call("get", "/api/webhooks/{id}/deliveries", { names: { id }, query }, options);
  const of = (id: number) =>
    paged(
      (query?: DeliveriesQuery, options?: CallOptions) => list(id, query, options),
      (page) => page.deliveries,
    );
  return {
    /** A page of deliveries with their attempts, the latest event first: 50 of them unless the query has a `limit`. */
    list,
    /** The pages, each fetched when it is asked for; of 100 deliveries unless the query has a `limit`. */
    pages: (id: number, query?: Omit<DeliveriesQuery, "cursor">, options?: CallOptions) => of(id).pages(query, options),
    /** The deliveries, page after page. */
    all: (id: number, query?: Omit<DeliveriesQuery, "cursor">, options?: CallOptions) => of(id).all(query, options),
    /** Sends a delivery again at once. Fails with `delivery_not_found` or `webhook_disabled`. */
    retry: (id: number, position: number, options?: CallOptions) =>
      transport.call("post", "/api/webhooks/{id}/deliveries/{position}/retry", { names: { id, position } }, options),
  };
}
