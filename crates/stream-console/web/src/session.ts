// Tokens live in memory and, if wanted, in the tab's session storage; never in an address.
import { useEffect, useState } from 'preact/hooks';

/** A value that components follow, and that survives a reload of the tab if it is kept. */
export class Kept<T> {
  readonly #name: string;
  readonly #listeners = new Set<() => void>();
  #value: T | null = null;

  constructor(name: string) {
    this.#name = name;
    try {
      const kept = sessionStorage.getItem(name);
      if (kept) this.#value = JSON.parse(kept);
    } catch {
      // Storage is switched off, or holds something else: nobody is signed in then.
    }
  }

  /** The value; `null` for none. */
  get value(): T | null {
    return this.#value;
  }

  /** Sets the value, and keeps it for this tab if that is wanted. */
  set(value: T | null, isKept = false): void {
    this.#value = value;
    try {
      if (value !== null && isKept) sessionStorage.setItem(this.#name, JSON.stringify(value));
      else sessionStorage.removeItem(this.#name);
    } catch {
      // Storage is switched off: memory has it.
    }
    for (const listener of this.#listeners) listener();
  }

  /** The value, for a component that is drawn again with each change. */
  use(): T | null {
    const [value, setValue] = useState(this.#value);
    useEffect(() => {
      const listener = () => setValue(this.#value);
      listener();
      this.#listeners.add(listener);
      return () => void this.#listeners.delete(listener);
    }, [this]);
    return value;
  }
}
