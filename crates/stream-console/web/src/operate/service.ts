// The operator's API, under /api/admin.
import { createAdminClient, type AdminClient } from '../../../../../clients/typescript/src/index.ts';
import { base } from '../service.ts';

export type Admin = AdminClient;

/** A client for the operator. */
export function adminOf(token: string): Admin {
  return createAdminClient({ baseUrl: base, token });
}
