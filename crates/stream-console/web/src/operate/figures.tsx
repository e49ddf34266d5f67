import { useEffect, useRef, useState } from 'preact/hooks';
import type { AdminFigures } from '../../../../../clients/typescript/src/index.ts';
import { ErrorNotice } from '../elements/notices.tsx';
import { useLoaded } from '../loading.ts';
import { texts } from '../texts.ts';
import { rateOf, quantileOf } from './rates.ts';
import type { Admin } from './service.ts';

/** How often the figures are read, in milliseconds, and how many readings a chart shows: five minutes. */
const POLL = 5_000;
const READINGS = 60;

/** Small charts of what this instance did in the last minutes, from its counters. */
export function Figures({ admin }: { admin: Admin }) {
  const { value, error } = useLoaded((signal) => admin.figures({ signal }), [admin], POLL);
  const [readings, setReadings] = useState<AdminFigures[]>([]);
  const last = useRef<AdminFigures | null>(null);
  useEffect(() => {
    if (!value || value === last.current) return;
    // Another beginning is a restart: its counters begin anew.
    const isRestart = last.current !== null && last.current.since !== value.since;
    last.current = value;
    setReadings((before) => [...(isRestart ? [] : before), value].slice(-READINGS));
  }, [value]);
  const pairs = readings.slice(1).map((after, at) => [readings[at] ?? after, after] as const);
  const words = texts.operate.figures;
  return (
    <section class="figures" aria-label={words.title}>
      <ErrorNotice error={error} />
      <Chart name={words.live} values={readings.map(({ platform }) => platform?.live_streams ?? null)} show={String} />
      <Chart name={words.admissions} values={pairs.map(([before, after]) => rateOf(before, after, ({ hooks }) => hooks.accepted))} show={rounded} />
      <Chart name={words.refusals} values={pairs.map(([before, after]) => rateOf(before, after, ({ hooks }) => hooks.refused + hooks.rejected))} show={rounded} />
      <Chart name={words.latency} values={pairs.map(([before, after]) => quantileOf(before.hooks.latency, after.hooks.latency, 0.95))} show={(seconds) => words.milliseconds(seconds * 1000)} />
    </section>
  );
}

function rounded(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

/** A line of the last readings, with the last one in words; gaps are readings without a value. */
function Chart({ name, values, show }: { name: string; values: (number | null)[]; show: (value: number) => string }) {
  const known = values.filter((value) => value !== null);
  const last = values.at(-1) ?? null;
  const top = Math.max(...known, 1e-9);
  const text = last === null ? texts.operate.figures.none : show(last);
  let path = '';
  values.forEach((value, at) => {
    const isFirst = at === 0 || values[at - 1] === null;
    if (value !== null) path += `${isFirst ? 'M' : 'L'}${at + READINGS - values.length} ${(28 - (value / top) * 26).toFixed(1)}`;
  });
  return (
    <figure>
      <figcaption>
        {name} <strong>{text}</strong>
      </figcaption>
      <svg viewBox={`0 0 ${READINGS - 1} 30`} preserveAspectRatio="none" aria-hidden="true">
        <path d={path || 'M0 28'} />
      </svg>
    </figure>
  );
}
