import { useEffect, useState } from 'preact/hooks';
import type { ListedStream } from '../../../../../clients/typescript/src/index.ts';
import { ErrorNotice, Progress } from '../elements/notices.tsx';
import { between, duration, languageName } from '../format.ts';
import { useLoaded, useNow } from '../loading.ts';
import { linkTo, replaceQuery } from '../router.ts';
import { everybody } from '../service.ts';
import { texts } from '../texts.ts';
import { useTitle } from '../title.ts';
import { useCategories, useCategoryName } from './categories.ts';

/** How often the list is read, in milliseconds; the service answers 304 while nothing has changed. */
const POLL = 2000;

const PAGE = 48;

/** The languages that can be chosen; a stream in another one is found without this filter. */
const LANGUAGES = ['ar', 'de', 'en', 'es', 'fr', 'hi', 'id', 'it', 'ja', 'ko', 'nl', 'pl', 'pt', 'ru', 'sv', 'th', 'tr', 'uk', 'vi', 'zh'];

type Filters = { q: string; category: string; language: string; tag: string };

/** What is live, with search and filters. */
export function LivePage({ query }: { query: URLSearchParams }) {
  useTitle(texts.live.title);
  const filters: Filters = { q: query.get('q') ?? '', category: query.get('category') ?? '', language: query.get('language') ?? '', tag: query.get('tag') ?? '' };
  const [limit, setLimit] = useState(PAGE);
  const wanted = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== ''));
  const load = (signal: AbortSignal) => everybody.publicStreams.list({ ...wanted, live: true, limit }, { signal });
  const { value, error, reload } = useLoaded(load, [JSON.stringify(wanted)], POLL);
  useEffect(() => setLimit(PAGE), [JSON.stringify(wanted)]);
  const change = (changed: Partial<Filters>) => replaceQuery([], { ...filters, ...changed });
  const streams = value?.streams ?? [];
  const isFiltered = Object.keys(wanted).length > 0;
  return (
    <>
      <h1>{texts.live.title}</h1>
      <FilterBar filters={filters} onChange={change} />
      <p class="told" role="status">
        {value && (streams.length === 0 ? (isFiltered ? texts.live.noneFound : texts.live.none) : texts.live.count(streams.length, value.next_cursor !== undefined))}
      </p>
      <ErrorNotice error={error} />
      {!value && !error && <Progress />}
      <ul class="cards">
        {streams.map((stream) => (
          <StreamCard key={stream.playback_id} stream={stream} onTag={(tag) => change({ tag })} />
        ))}
      </ul>
      {value?.next_cursor !== undefined && (
        <button type="button" onClick={() => (setLimit((last) => Math.min(last + PAGE, 1000)), reload())}>
          {texts.actions.more}
        </button>
      )}
    </>
  );
}

function FilterBar({ filters, onChange }: { filters: Filters; onChange: (changed: Partial<Filters>) => void }) {
  const categories = useCategories();
  const [typed, setTyped] = useState(filters.q);
  useEffect(() => setTyped(filters.q), [filters.q]);
  useEffect(() => {
    const timer = typed === filters.q ? undefined : setTimeout(() => onChange({ q: typed }), 250);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <form class="filters" role="search" onSubmit={(event) => (event.preventDefault(), onChange({ q: typed }))}>
      <label>
        {texts.live.search}
        <input type="search" dir="auto" maxLength={200} placeholder={texts.live.searchHint} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
      </label>
      <label>
        {texts.live.category}
        <select value={filters.category} onChange={(event) => onChange({ category: event.currentTarget.value })}>
          <option value="">{texts.live.allCategories}</option>
          {categories.map(({ slug, name, live }) => (
            <option key={slug} value={slug}>{`${name} (${live})`}</option>
          ))}
        </select>
      </label>
      <label>
        {texts.live.streamLanguage}
        <select value={filters.language} onChange={(event) => onChange({ language: event.currentTarget.value })}>
          <option value="">{texts.live.allLanguages}</option>
          {LANGUAGES.map((code) => (
            <option key={code} value={code}>
              {languageName(code)}
            </option>
          ))}
        </select>
      </label>
      {filters.tag && (
        <button type="button" class="tag" aria-label={texts.live.withoutTag(filters.tag)} onClick={() => onChange({ tag: '' })}>
          {texts.live.tag(filters.tag)} <span aria-hidden="true">×</span>
        </button>
      )}
    </form>
  );
}

function StreamCard({ stream, onTag }: { stream: ListedStream; onTag: (tag: string) => void }) {
  const now = useNow(10_000);
  return (
    <li class="card">
      <h2 dir="auto">
        <a href={linkTo(['watch', stream.playback_id])}>{stream.title ?? texts.live.untitled}</a>
      </h2>
      <p class="small">
        <span class="badge live">{texts.nav.live}</span>{' '}
        {stream.live_since && texts.live.since(duration(between(stream.live_since, now)))}
      </p>
      <StreamFacts stream={stream} onTag={onTag} />
    </li>
  );
}

/** Category, language, labels and tags of a stream. */
export function StreamFacts({ stream, onTag }: { stream: Pick<ListedStream, 'category' | 'language' | 'tags' | 'content_labels'>; onTag: (tag: string) => void }) {
  const category = useCategoryName(stream.category);
  const labels = stream.content_labels.map((label) => texts.details.labelNames[label] ?? label);
  return (
    <>
      <p class="small facts">
        {category && <span>{category}</span>}
        {stream.language && <span>{languageName(stream.language)}</span>}
        {labels.length > 0 && <span>{`${texts.live.labels}: ${labels.join(', ')}`}</span>}
      </p>
      {stream.tags.length > 0 && (
        <ul class="tags">
          {stream.tags.map((tag) => (
            <li key={tag}>
              <button type="button" class="tag" onClick={() => onTag(tag)}>
                {tag}
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
