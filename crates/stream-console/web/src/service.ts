// The service that this page comes from, and who is signed in to it.
import {
  createClient,
  isStreamServiceError,
  type StreamServiceClient,
} from '../../../../clients/typescript/src/index.ts';

/** Where the service is: a proxy may serve it below a path. */
export const base = new URL('.', document.baseURI).href;

/** What the page may offer to this browser. */
export interface Settings {
  version: string;
  development: boolean;
  operators: boolean;
}

/** A token that is signed in with, and what it says of itself. */
export interface SignIn {
  token: string;
  user: string;
  /** In milliseconds since 1970; `null` if the token does not say. */
  expiresAt: number | null;
}

/** Reads what the page may offer. */
export async function loadSettings(signal: AbortSignal): Promise<Settings> {
  const answer = await fetch(`${base}console/settings.json`, { signal });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

/** Starts a development session; the service gives one to its own machine alone. */
export async function startDevelopmentSession(): Promise<SignIn> {
  const answer = await fetch(`${base}console/session`, { method: 'POST' });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error);
  return { token: body.token, user: String(body.user_id), expiresAt: Date.parse(body.expires_at) };
}

/** What a token says of itself; it is not verified here, which the service does. */
export function readToken(pasted: string): SignIn {
  const token = pasted.trim().replace(/^Bearer\s+/i, '');
  let claims: Record<string, unknown> = {};
  try {
    const part = token.split('.')[1] ?? '';
    const bytes = Uint8Array.from(atob(part.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));
    claims = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // The service says what is wrong with it.
  }
  const user = claims['id'] ?? claims['user_id'] ?? claims['sub'] ?? '?';
  const expiresAt = typeof claims['exp'] === 'number' ? claims['exp'] * 1000 : null;
  return { token, user: String(user), expiresAt };
}

/** A client for what everybody may see. */
export const everybody: StreamServiceClient = createClient({ baseUrl: base });

/** A client for one user. */
export function clientOf({ token }: SignIn): StreamServiceClient {
  return createClient({ baseUrl: base, token });
}

/** Whether an error means that one has to sign in again. */
export function isSignInError(error: unknown): boolean {
  return isStreamServiceError(error) && error.status === 401;
}

export type { StreamServiceClient };
