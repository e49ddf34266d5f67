import { useEffect } from 'preact/hooks';
import { texts } from './texts.ts';

/** Names the page in the browser's tab. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ${texts.title}`;
  }, [title]);
}
