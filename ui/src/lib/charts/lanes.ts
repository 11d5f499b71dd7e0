// Arithmetic of the lanes on one time axis, without any drawing. Slots are half-hours of one local day.

import type { Num } from './scale.ts';

/** One value per slot, once as measured and once as expected; absent is null. */
export interface Track {
  key: string;
  label: string;
  tone: string;
  measured: Num[];
  expected: Num[];
  low?: Num[];
  high?: Num[];
}

export interface Bar {
  first: number;
  /** first slot after the bar */
  last: number;
  /** number of its reason on the axis */
  n?: number | null;
  /** already over: drawn solid */
  past: boolean;
  text?: string;
  /** what a drag or a choice refers to */
  id?: string;
  strength?: number;
}

export type Lane =
  | { kind: 'price'; key: string; label: string; unit: string; values: Num[] }
  | { kind: 'lines'; key: string; label: string; unit: string; tracks: Track[] }
  | { kind: 'level'; key: string; label: string; unit: string; track: Track; floor: Num; floorText: string; bars: Bar[] }
  | { kind: 'bars'; key: string; label: string; unit: string; tone: string; bars: Bar[] }
  | { kind: 'grid'; key: string; label: string; unit: string; up: Track; down: Track };

/** Runs of one value as [first, last): a label over each price instead of one per slot. */
export function sameRuns<T>(values: T[]): { first: number; last: number; value: T }[] {
  const found: { first: number; last: number; value: T }[] = [];
  values.forEach((value, i) => {
    const open = found.at(-1);
    if (open && open.value === value) open.last = i + 1;
    else found.push({ first: i, last: i + 1, value });
  });
  return found;
}

/** Places as near as possible to the wanted ones, in order, at least `gap` apart and between the ends. */
export function spread(wanted: number[], gap: number, least: number, most: number): number[] {
  const order = wanted.map((at, i) => ({ at, i })).sort((a, b) => a.at - b.at);
  const found: number[] = new Array<number>(wanted.length).fill(0);
  let edge = least;
  for (const { at, i } of order) {
    found[i] = Math.max(at, edge);
    edge = found[i] + gap;
  }
  let limit = most;
  for (const { i } of order.reverse()) {
    found[i] = Math.max(least, Math.min(found[i] ?? least, limit));
    limit = found[i] - gap;
  }
  return found;
}

/** Share of the price range, 0.3 for the cheapest and 0.95 for the dearest: how strongly a price is drawn. */
export function priceStrength(value: number, values: Num[]): number {
  const known = values.filter((v): v is number => v !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return most - least < 0.01 ? 0.6 : 0.3 + (0.65 * (value - least)) / (most - least);
}

/** The closed outline of a band; breaks where either edge is missing. */
export function bandPath(low: Num[], high: Num[], x: (i: number) => number, y: (v: number) => number): string {
  const there = low.map((v, i) => v !== null && v !== undefined && high[i] !== null && high[i] !== undefined);
  return sameRuns(there)
    .filter((run) => run.value && run.last - run.first > 1)
    .map(({ first, last }) => {
      const at = Array.from({ length: last - first }, (_, k) => first + k);
      const point = (i: number, v: Num | undefined): string => `${x(i).toFixed(1)} ${y(v ?? 0).toFixed(1)}`;
      return `M${at.map((i) => point(i, high[i])).join('L')}L${at.reverse().map((i) => point(i, low[i])).join('L')}Z`;
    })
    .join('');
}

/** The area under a line; breaks where a value is missing. */
export function areaPath(values: Num[], x: (i: number) => number, y: (v: number) => number): string {
  return bandPath(values.map((v) => (v === null || v === undefined ? null : 0)), values, x, y);
}

/** Consecutive slots with the same word become one bar; slots without a word leave a space. */
export function barsOf(words: (string | null)[]): { first: number; last: number; word: string }[] {
  return sameRuns(words).flatMap((run) => (run.value === null ? [] : [{ first: run.first, last: run.last, word: run.value }]));
}

/** Largest value any track reaches. */
export function most(tracks: Track[]): number {
  return Math.max(0, ...tracks.flatMap((t) => [...t.measured, ...t.expected, ...(t.high ?? [])]).map((v) => v ?? 0));
}

/** Where the plot lies; the same for every lane. */
export interface Frame {
  left: number;
  plot: number;
  count: number;
  x: (i: number) => number;
  narrow: boolean;
}

/** About how wide a text is drawn: Japanese characters are square, others about 0.58 of that. */
export function textWidth(text: string, size = 13): number {
  let width = 0;
  for (const char of text) width += (char.codePointAt(0) ?? 0) > 0x2e80 ? size : size * 0.58;
  return width;
}
