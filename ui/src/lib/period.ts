// Days, weeks, months and years of the calendar as ranges for /history. Dates are "YYYY-MM-DD", free of any zone.

export type Period = 'day' | 'week' | 'month' | 'year';
export const PERIODS: Period[] = ['day', 'week', 'month', 'year'];
export type Compare = 'previous' | 'last_year' | 'weekday';

export interface Range {
  from: string;
  /** first day after the range */
  to: string;
  step: '30m' | '1d' | '1mo';
}

const DAY_MS = 86_400_000;

const parse = (day: string): Date => new Date(`${day}T00:00:00Z`);
const text = (at: Date): string => at.toISOString().slice(0, 10);
const date = (year: number, month: number, day: number): string => text(new Date(Date.UTC(year, month, day)));

export function addDays(day: string, n: number): string {
  return text(new Date(parse(day).getTime() + n * DAY_MS));
}

/** The range that holds `day`; weeks start on Monday. */
export function range(period: Period, day: string): Range {
  const at = parse(day);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  switch (period) {
    case 'day':
      return { from: day, to: addDays(day, 1), step: '30m' };
    case 'week': {
      const from = addDays(day, -((at.getUTCDay() + 6) % 7));
      return { from, to: addDays(from, 7), step: '1d' };
    }
    case 'month':
      return { from: date(year, month, 1), to: date(year, month + 1, 1), step: '1d' };
    case 'year':
      return { from: date(year, 0, 1), to: date(year + 1, 0, 1), step: '1mo' };
  }
}

/** The same day `n` periods later, kept inside shorter months. */
export function shift(period: Period, day: string, n: number): string {
  const at = parse(day);
  const [year, month, dom] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  switch (period) {
    case 'day':
      return addDays(day, n);
    case 'week':
      return addDays(day, 7 * n);
    case 'month':
    case 'year': {
      const to = month + (period === 'year' ? 12 * n : n);
      const last = new Date(Date.UTC(year, to + 1, 0)).getUTCDate();
      return date(year, to, Math.min(dom, last));
    }
  }
}

/** A tapped bar opens the next finer period. */
export const FINER: Record<Period, Period | null> = { day: null, week: 'day', month: 'day', year: 'month' };

/** Comparisons that make sense for a period. */
export function comparisons(period: Period): Compare[] {
  if (period === 'day') return ['previous', 'weekday', 'last_year'];
  return period === 'year' ? ['previous'] : ['previous', 'last_year'];
}
