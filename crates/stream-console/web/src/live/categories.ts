// The operator's categories, read for the whole page and shown by name.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Category } from '../../../../../clients/typescript/src/index.ts';

/** The categories, with how many of their streams are live; the page reads them. */
export const Categories = createContext<Category[]>([]);

/** The categories. */
export function useCategories(): Category[] {
  return useContext(Categories);
}

/** What a category is called; its slug while that is not known. */
export function useCategoryName(slug: string | null): string | null {
  return useCategories().find((category) => category.slug === slug)?.name ?? slug;
}
