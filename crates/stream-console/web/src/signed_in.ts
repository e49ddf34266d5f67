// Who is signed in, as a user and as an operator.
import type { SignIn } from './service.ts';
import { Kept } from './session.ts';

/** The user's sign-in. */
export const signedIn = new Kept<SignIn>('stream-service.sign-in');

/** The operator's token. */
export const operatorToken = new Kept<string>('stream-service.operator');

/** Why the last sign-in ended, for the page that asks for another one. */
export const endedBecause = new Kept<'expired' | 'refused'>('stream-service.ended');
