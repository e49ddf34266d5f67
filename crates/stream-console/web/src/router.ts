// Pages are named in the fragment of the address, so that the service serves one page; queries hold filters, never tokens.
import { useEffect, useState } from 'preact/hooks';

/** A place in the console: `#/watch/ID` is `['watch', 'ID']`. */
export interface Place {
  path: string[];
  query: URLSearchParams;
}

/** Where the browser is. */
export function placeNow(): Place {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
  return { path: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

/** The place, for a component that is drawn again with each change. */
export function usePlace(): Place {
  const [place, setPlace] = useState(placeNow);
  useEffect(() => {
    const listener = () => setPlace(placeNow());
    addEventListener('hashchange', listener);
    return () => removeEventListener('hashchange', listener);
  }, []);
  return place;
}

/** The address of a place. */
export function linkTo(path: string[], query: Record<string, string> = {}): string {
  const filters = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${filters && `?${filters}`}`;
}

/** Changes the filters of the place without a step in the browser's history. */
export function replaceQuery(path: string[], query: Record<string, string>): void {
  history.replaceState(null, '', linkTo(path, query));
  dispatchEvent(new HashChangeEvent('hashchange'));
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
