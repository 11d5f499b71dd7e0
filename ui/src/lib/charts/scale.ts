// Arithmetic of the charts, without any drawing.

export type Num = number | null;

export interface Layer {
  key: string;
  label: string;
  tone: string;
  values: Num[];
  /** drawn below zero (where electricity goes to, what is sold) */
  down?: boolean;
}

export interface Segment {
  key: string;
  tone: string;
  /** from and to in units, signed: below zero is negative */
  from: number;
  to: number;
}

/** A round number of steps for an axis that starts at zero. */
export function axis(most: number, steps = 4): { max: number; step: number } {
  if (most <= 0) return { max: 1, step: 0.5 };
  const raw = most / steps;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * size).find((s) => s >= raw * 0.999) ?? 10 * size;
  return { max: Math.ceil(most / step - 1e-9) * step, step };
}

/** One stack of segments per slot; layers without a value leave nothing. */
export function stack(layers: Layer[], count: number): Segment[][] {
  return Array.from({ length: count }, (_, i) => {
    let up = 0;
    let down = 0;
    return layers.flatMap((layer) => {
      const value = layer.values[i] ?? 0;
      if (value === 0) return [];
      const sign = layer.down ? -1 : 1;
      const from = layer.down ? down : up;
      const to = from + sign * value;
      if (layer.down) down = to;
      else up = to;
      return [{ key: layer.key, tone: layer.tone, from, to }];
    });
  });
}

/** Highest and lowest stack of all slots. */
export function extent(stacks: Segment[][]): { top: number; bottom: number } {
  let top = 0;
  let bottom = 0;
  for (const segments of stacks)
    for (const s of segments) {
      top = Math.max(top, s.from, s.to);
      bottom = Math.min(bottom, s.from, s.to);
    }
  return { top, bottom };
}

/** Slots in which every layer is silent: nothing was recorded, which is not the same as zero. */
export function missing(layers: { values: Num[] }[], count: number): boolean[] {
  return Array.from({ length: count }, (_, i) => layers.every((l) => l.values[i] === null || l.values[i] === undefined));
}

/** Runs of `true` as [first, length]. */
export function runs(flags: boolean[]): { first: number; length: number }[] {
  const found: { first: number; length: number }[] = [];
  flags.forEach((flag, i) => {
    const last = found.at(-1);
    if (!flag) return;
    if (last && last.first + last.length === i) last.length += 1;
    else found.push({ first: i, length: 1 });
  });
  return found;
}

/** A line through the middles of the slots that breaks where a value is missing. */
export function linePath(values: Num[], x: (i: number) => number, y: (v: number) => number): string {
  let open = false;
  return values
    .map((v, i) => {
      if (v === null || v === undefined) {
        open = false;
        return '';
      }
      const move = open ? 'L' : 'M';
      open = true;
      return `${move}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
    })
    .join('');
}

/** Horizontal ticks at each value, joined where neighbours exist: the outline of another period. */
export function stepPath(values: Num[], left: (i: number) => number, y: (v: number) => number): string {
  let open = false;
  return values
    .map((v, i) => {
      if (v === null || v === undefined) {
        open = false;
        return '';
      }
      const move = open ? 'L' : 'M';
      open = true;
      return `${move}${left(i).toFixed(1)} ${y(v).toFixed(1)}H${left(i + 1).toFixed(1)}`;
    })
    .join('');
}

/** Sum of what is there; null when nothing is. */
export function total(values: Num[]): Num {
  const there = values.filter((v): v is number => v !== null && v !== undefined);
  return there.length ? there.reduce((sum, v) => sum + v, 0) : null;
}

/** Which slot lies under a pixel. */
export function slotAt(px: number, left: number, width: number, count: number): number {
  return Math.min(count - 1, Math.max(0, Math.floor(((px - left) / width) * count)));
}

/** Decimals an axis with this step needs. */
export function decimals(step: number): number {
  return step >= 1 && Number.isInteger(step) ? 0 : step >= 0.1 ? 1 : 2;
}
