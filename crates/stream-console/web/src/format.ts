// Times, durations and names as a person reads them, in the browser's zone.
import { texts } from './texts.ts';

const clock = new Intl.DateTimeFormat(texts.language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(texts.language, { weekday: 'short', day: 'numeric', month: 'short' });
const longDay = new Intl.DateTimeFormat(texts.language, { weekday: 'long', day: 'numeric', month: 'long' });
const languageNames = new Intl.DisplayNames(texts.language, { type: 'language' });

/** The zone of the browser. */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** `14:05`, with the day in front unless it is today. */
export function moment(time: string | Date, now = new Date()): string {
  const date = new Date(time);
  const isToday = date.toDateString() === now.toDateString();
  return isToday ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

/** `Fri, 2 Jan, 14:05 – 16:05`, with the second day only if it is another one. */
export function span(from: string, to: string): string {
  const isSameDay = new Date(from).toDateString() === new Date(to).toDateString();
  return `${moment(from)} – ${isSameDay ? hour(to) : moment(to)}`;
}

/** `14:05`. */
export function hour(time: string): string {
  return clock.format(new Date(time));
}

/** `Friday, 2 January`. */
export function dayOf(time: string): string {
  return longDay.format(new Date(time));
}

/** The same instant on the clocks of another zone. */
export function momentIn(time: string, timeZone: string): string {
  const format = new Intl.DateTimeFormat(texts.language, { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone });
  return format.format(new Date(time));
}

/** `23 h 41 min`, `41 min`, `12 s`; never below zero. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}

/** How long until or since a time, in milliseconds. */
export function between(from: string | number, to: string | number): number {
  return new Date(to).getTime() - new Date(from).getTime();
}

/** `Portuguese (Brazil)` for `pt-BR`; the code itself where it has no name. */
export function languageName(code: string): string {
  try {
    return languageNames.of(code) ?? code;
  } catch {
    return code;
  }
}
