// What the routes take and answer, read off the API's description.

import type { paths } from "./schema.ts";

/** A method, as the description writes it. */
export type Method = "get" | "post" | "put" | "delete";

/** What the service has at a path. */
export type OperationAt<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;

/** The paths that have a method. */
export type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths];

type Json<Response> = Response extends { content: { "application/json": infer Body } } ? Body : never;

/** The body of an answer with this status. */
export type AnswerWith<Operation, Status extends number> = Operation extends { responses: infer Responses }
  ? Json<Responses[Status & keyof Responses]>
  : never;

/** The body of the answer that means success. */
export type AnswerOf<Operation> = AnswerWith<Operation, 200 | 201 | 202>;

/** The query that an operation takes. */
export type QueryOf<Operation> = Operation extends { parameters: { query?: infer Query } }
  ? NonNullable<Query>
  : never;

/** The body that an operation takes. */
export type BodyOf<Operation> = Operation extends {
  requestBody?: { content: { "application/json": infer Body } };
}
  ? Body
  : never;

/** The names that an operation has in its path. */
export type NamesOf<Operation> = Operation extends { parameters: { path: infer Names } } ? Names : never;
