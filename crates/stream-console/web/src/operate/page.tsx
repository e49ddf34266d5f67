import { useMemo, useState } from 'preact/hooks';
import { isStreamServiceError } from '../../../../../clients/typescript/src/index.ts';
import { TextField } from '../elements/fields.tsx';
import { ErrorNotice } from '../elements/notices.tsx';
import { Tabs } from '../elements/tabs.tsx';
import { useAction } from '../loading.ts';
import { linkTo } from '../router.ts';
import { operatorToken } from '../signed_in.ts';
import { texts } from '../texts.ts';
import { useTitle } from '../title.ts';
import { Figures } from './figures.tsx';
import { HealthPart } from './health_part.tsx';
import { ServersPart } from './servers_part.tsx';
import { adminOf, type Admin } from './service.ts';
import { StreamsPart } from './streams_part.tsx';
import { UsersPart } from './users_part.tsx';

/** What an operator sees and does. */
export function OperatePage({ tab }: { tab: string }) {
  const token = operatorToken.use();
  useTitle(texts.operate.title);
  return token ? <Platform key={token} token={token} tab={tab} /> : <OperatorSignIn />;
}

function OperatorSignIn() {
  const [token, setToken] = useState('');
  const [isKept, setKept] = useState(false);
  const { isBusy, error, run } = useAction();
  const enter = async () => {
    await adminOf(token.trim()).servers();
    operatorToken.set(token.trim(), isKept);
  };
  const isRefused = isStreamServiceError(error) && error.status === 401;
  return (
    <div class="narrow">
      <h1>{texts.operate.signIn}</h1>
      <form class="panel" onSubmit={(event) => (event.preventDefault(), run(enter))}>
        <TextField
          label={texts.operate.token}
          hint={texts.operate.tokenHint}
          type="password"
          required
          value={token}
          error={isRefused ? texts.operate.refused : undefined}
          onInput={setToken}
        />
        <label class="check">
          <input type="checkbox" checked={isKept} onChange={(event) => setKept(event.currentTarget.checked)} />
          {texts.signIn.keep}
        </label>
        <button type="submit" class="primary" disabled={isBusy || token.trim() === ''}>
          {isBusy ? texts.broadcast.working : texts.signIn.submit}
        </button>
        {!isRefused && <ErrorNotice error={error} />}
      </form>
    </div>
  );
}

function Platform({ token, tab }: { token: string; tab: string }) {
  const admin = useMemo(() => adminOf(token), [token]);
  const names = texts.operate.tabs;
  return (
    <>
      <div class="row between">
        <h1>{texts.operate.title}</h1>
        <button type="button" onClick={() => operatorToken.set(null)}>
          {texts.operate.signOut}
        </button>
      </div>
      <Figures admin={admin} />
      <Tabs
        label={names.label}
        current={tab}
        tabs={[
          ['streams', linkTo(['operate']), names.streams],
          ['users', linkTo(['operate', 'users']), names.users],
          ['servers', linkTo(['operate', 'servers']), names.servers],
          ['health', linkTo(['operate', 'health']), names.health],
        ]}
      />
      <Part key={tab} tab={tab} admin={admin} />
    </>
  );
}

function Part({ tab, admin }: { tab: string; admin: Admin }) {
  switch (tab) {
    case 'users':
      return <UsersPart admin={admin} />;
    case 'servers':
      return <ServersPart admin={admin} />;
    case 'health':
      return <HealthPart admin={admin} />;
    default:
      return <StreamsPart admin={admin} />;
  }
}
