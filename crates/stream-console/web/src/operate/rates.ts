// Rates and quantiles from two readings of counters.
import type { AdminFigures, LatencyFigures } from '../../../../../clients/typescript/src/index.ts';

/** How much a counter grew in a minute between two readings; `null` where that cannot be told. */
export function rateOf(before: AdminFigures, after: AdminFigures, of: (figures: AdminFigures) => number): number | null {
  const minutes = (Date.parse(after.now) - Date.parse(before.now)) / 60_000;
  const grown = of(after) - of(before);
  return minutes > 0 && grown >= 0 ? grown / minutes : null;
}

/** The bound below which this share of what came in between lies, in seconds; `null` if nothing came. */
export function quantileOf(before: LatencyFigures, after: LatencyFigures, share: number): number | null {
  const counts = after.counts.map((count, at) => count - (before.counts[at] ?? 0));
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return null;
  let seen = 0;
  const at = counts.findIndex((count) => (seen += count) >= total * share);
  return after.bounds[at] ?? after.bounds.at(-1) ?? null;
}
