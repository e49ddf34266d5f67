import { useEffect, useRef } from 'preact/hooks';
import { BroadcastPage } from './broadcast/page.tsx';
import { Categories } from './live/categories.ts';
import { LivePage } from './live/list_page.tsx';
import { UpcomingPage } from './live/upcoming_page.tsx';
import { WatchPage } from './live/watch_page.tsx';
import { useLoaded } from './loading.ts';
import { OperatePage } from './operate/page.tsx';
import { linkTo, usePlace, type Place } from './router.ts';
import { base, everybody, loadSettings, type Settings } from './service.ts';
import { signedIn } from './signed_in.ts';
import { texts } from './texts.ts';

/** The whole page: where one may go, who is signed in, and the part that the address names. */
export function App() {
  const place = usePlace();
  const settings = useLoaded(loadSettings, []).value;
  const categories = useLoaded((signal) => everybody.categories({ signal }), [], 30_000).value?.categories ?? [];
  const main = useRef<HTMLElement>(null);
  const page = place.path[0] ?? 'live';
  const first = useRef(true);
  // A screen reader begins to read at a new page, and the keyboard goes on from there.
  useEffect(() => {
    if (!first.current) main.current?.focus();
    first.current = false;
    scrollTo(0, 0);
  }, [page]);
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        {texts.skip}
      </a>
      <header>
        <a class="home" href={linkTo([])}>
          {texts.title}
        </a>
        <nav aria-label={texts.nav.label}>
          <PageLink name="live" current={page} path={[]} text={texts.nav.live} />
          <PageLink name="upcoming" current={page} path={['upcoming']} text={texts.nav.upcoming} />
          <PageLink name="broadcast" current={page} path={['broadcast']} text={texts.nav.broadcast} />
          {settings?.operators && <PageLink name="operate" current={page} path={['operate']} text={texts.nav.operate} />}
        </nav>
        <SignedInAs />
      </header>
      <main id="content" ref={main} tabIndex={-1}>
        <Categories.Provider value={categories}>
          <Page place={place} settings={settings} />
        </Categories.Provider>
      </main>
      <footer>
        <a href={`${base}docs`}>{texts.nav.docs}</a>
        {settings && <span>{`${texts.title} ${settings.version}`}</span>}
      </footer>
    </>
  );
}

function PageLink({ name, current, path, text }: { name: string; current: string; path: string[]; text: string }) {
  return (
    <a href={linkTo(path)} aria-current={name === current ? 'page' : undefined}>
      {text}
    </a>
  );
}

function SignedInAs() {
  const signIn = signedIn.use();
  return (
    <div class="who">
      {signIn && (
        <>
          <span>{texts.signIn.signedInAs(signIn.user)}</span>
          <button type="button" onClick={() => signedIn.set(null)}>
            {texts.actions.signOut}
          </button>
        </>
      )}
    </div>
  );
}

function Page({ place, settings }: { place: Place; settings: Settings | null }) {
  const [page = 'live', name] = place.path;
  switch (page) {
    case 'live':
      return <LivePage query={place.query} />;
    case 'watch':
      return name ? <WatchPage key={name} playbackId={name} /> : <NotFound />;
    case 'upcoming':
      return <UpcomingPage />;
    case 'broadcast':
      return <BroadcastPage tab={name ?? 'live'} settings={settings} />;
    case 'operate':
      return <OperatePage tab={name ?? 'streams'} />;
    default:
      return <NotFound />;
  }
}

function NotFound() {
  return (
    <>
      <h1>{texts.notFound.title}</h1>
      <p>{texts.notFound.text}</p>
      <p>
        <a href={linkTo([])}>{texts.notFound.back}</a>
      </p>
    </>
  );
}
