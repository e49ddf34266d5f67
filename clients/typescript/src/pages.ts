// Lists that come in pages, read one after the other; cursors stay in here.

import type { CallOptions } from "./transport.ts";

/** How a list is read page by page. */
export interface Paged<Query, Item> {
  /** The list's pages, each fetched when it is asked for; of 100 items unless the query has a `limit`. */
  pages(query?: Omit<Query, "cursor">, options?: CallOptions): AsyncIterable<Item[]>;
  /** The list's items, page after page. */
  all(query?: Omit<Query, "cursor">, options?: CallOptions): AsyncIterable<Item>;
}

/** Reads a list page by page. */
export function paged<Query extends { limit?: number; cursor?: string }, Page extends { next_cursor?: string }, Item>(
  list: (query?: Query, options?: CallOptions) => Promise<Page>,
  itemsOf: (page: Page) => Item[],
): Paged<Query, Item> {
  async function* pages(query?: Omit<Query, "cursor">, options: CallOptions = {}): AsyncGenerator<Item[], void> {
    let next = { limit: 100, ...query } as Query;
    for (;;) {
      const page = await list(next, options);
      yield itemsOf(page);
      if (page.next_cursor === undefined) return;
      next = { ...next, cursor: page.next_cursor };
    }
  }
  async function* all(query?: Omit<Query, "cursor">, options: CallOptions = {}): AsyncGenerator<Item, void> {
    for await (const page of pages(query, options)) yield* page;
  }
  return { pages, all };
}
