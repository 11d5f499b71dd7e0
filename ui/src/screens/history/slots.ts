// Names of slots on the axis and in the reading, for every period.

import { clock, dateWords, hourOf, localDay } from '$lib/format.ts';
import { locale, t } from '$lib/i18n.svelte.ts';
import type { Period } from '$lib/period.ts';

const HALF_HOUR_MS = 1_800_000;

export function slotName(period: Period, start: string, zone: string): string {
  if (period === 'day') return `${clock(start, zone)}–${clock(new Date(Date.parse(start) + HALF_HOUR_MS), zone)}`;
  const day = localDay(start, zone);
  if (period === 'year') return dateWords(day, locale(), { year: 'numeric', month: 'long' });
  return dateWords(day, locale(), { month: 'long', day: 'numeric', weekday: 'short' });
}

export function slotTick(period: Period, start: string, zone: string, wide: boolean): string | null {
  if (period === 'day') {
    const hour = hourOf(start, zone);
    if (hour % (wide ? 3 : 6) !== 0) return null;
    return hour === 0 ? t('home.hour0') : String(hour);
  }
  const day = localDay(start, zone);
  if (period === 'week') return dateWords(day, locale(), wide ? { day: 'numeric', weekday: 'short' } : { weekday: 'short' });
  if (period === 'year') return dateWords(day, locale(), wide ? { month: 'short' } : { month: 'narrow' }).replace('月', '');
  const dom = Number(day.slice(8));
  return dom === 1 || dom % (wide ? 2 : 5) === 0 ? String(dom) : null;
}
