import { useState } from 'preact/hooks';
import { ErrorNotice, Told } from '../elements/notices.tsx';
import { TextField } from '../elements/fields.tsx';
import { useAction } from '../loading.ts';
import { clientOf, readToken, startDevelopmentSession, type Settings, type SignIn } from '../service.ts';
import { endedBecause, signedIn } from '../signed_in.ts';
import { texts } from '../texts.ts';

/** Asks for a token, or for a click where this service gives out its own. */
export function SignInForm({ settings }: { settings: Settings | null }) {
  const [token, setToken] = useState('');
  const [isKept, setKept] = useState(true);
  const { isBusy, error, run } = useAction();
  const because = endedBecause.use();
  const enter = (signIn: SignIn) => {
    endedBecause.set(null);
    signedIn.set(signIn, isKept);
  };
  const signInWith = async () => {
    const signIn = readToken(token);
    // The service says at once what is wrong with it.
    await clientOf(signIn).streams.list({ limit: 1 });
    enter(signIn);
  };
  return (
    <div class="narrow">
      <h1>{texts.signIn.title}</h1>
      {because === 'expired' && <Told text={texts.signIn.expired} />}
      {because === 'refused' && <Told text={texts.signIn.expired} />}
      {settings?.development && (
        <section class="panel">
          <button type="button" class="primary" disabled={isBusy} onClick={() => run(async () => enter(await startDevelopmentSession()))}>
            {texts.signIn.development}
          </button>
          <p class="small">{texts.signIn.developmentHint}</p>
        </section>
      )}
      <form class="panel" onSubmit={(event) => (event.preventDefault(), run(signInWith))}>
        <TextField label={texts.signIn.token} hint={texts.signIn.tokenHint} type="password" required value={token} onInput={setToken} />
        <label class="check">
          <input type="checkbox" checked={isKept} onChange={(event) => setKept(event.currentTarget.checked)} />
          {texts.signIn.keep}
        </label>
        <button type="submit" disabled={isBusy || token.trim() === ''}>
          {isBusy ? texts.broadcast.working : texts.signIn.submit}
        </button>
        <ErrorNotice error={error} />
      </form>
    </div>
  );
}
