import { useEffect, useMemo } from 'preact/hooks';
import { Tabs } from '../elements/tabs.tsx';
import { linkTo } from '../router.ts';
import { clientOf, type Settings, type SignIn, type StreamServiceClient } from '../service.ts';
import { endedBecause, signedIn } from '../signed_in.ts';
import { texts } from '../texts.ts';
import { useTitle } from '../title.ts';
import { ChannelPart } from './channel_part.tsx';
import { HistoryPart } from './history_part.tsx';
import { LivePart } from './live_part.tsx';
import { SchedulePart } from './schedule_part.tsx';
import { SignInForm } from './sign_in.tsx';
import { WebhooksPart } from './webhooks_part.tsx';

/** What each part of the page gets. */
export interface PartProps {
  client: StreamServiceClient;
}

/** What a broadcaster does here: everything about the own channel. */
export function BroadcastPage({ tab, settings }: { tab: string; settings: Settings | null }) {
  const signIn = signedIn.use();
  useTitle(texts.broadcast.title);
  if (!signIn) return <SignInForm settings={settings} />;
  return <Channel signIn={signIn} tab={tab} />;
}

function Channel({ signIn, tab }: { signIn: SignIn; tab: string }) {
  const client = useMemo(() => clientOf(signIn), [signIn.token]);
  useEffect(() => {
    if (signIn.expiresAt === null) return;
    // A timer holds at most 24 days.
    const rest = Math.min(signIn.expiresAt - Date.now(), 2_000_000_000);
    const timer = setTimeout(() => (endedBecause.set('expired'), signedIn.set(null)), rest);
    return () => clearTimeout(timer);
  }, [signIn]);
  const names = texts.broadcast.tabs;
  return (
    <>
      <h1>{texts.broadcast.title}</h1>
      <Tabs
        label={names.label}
        current={tab}
        tabs={[
          ['live', linkTo(['broadcast']), names.live],
          ['channel', linkTo(['broadcast', 'channel']), names.channel],
          ['schedule', linkTo(['broadcast', 'schedule']), names.schedule],
          ['history', linkTo(['broadcast', 'history']), names.history],
          ['webhooks', linkTo(['broadcast', 'webhooks']), names.webhooks],
        ]}
      />
      <Part key={tab} tab={tab} client={client} />
    </>
  );
}

function Part({ tab, client }: PartProps & { tab: string }) {
  switch (tab) {
    case 'channel':
      return <ChannelPart client={client} />;
    case 'schedule':
      return <SchedulePart client={client} />;
    case 'history':
      return <HistoryPart client={client} />;
    case 'webhooks':
      return <WebhooksPart client={client} />;
    default:
      return <LivePart client={client} />;
  }
}
