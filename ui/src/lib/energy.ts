// Who feeds whom right now: the picture, the bars split by source and the words all use this one rule.

export type Tone = 'solar' | 'gen' | 'battery' | 'ev' | 'buy' | 'sell' | 'hot' | 'home' | 'other';
type Num = number | null;

export interface Powers {
  pv_kw: Num;
  gen_kw: Num;
  grid_kw: Num;
  battery_kw: Num;
  ev_kw: Num;
  heater_kw: Num;
  load_kw: Num;
  use_kw: Num;
}

export type Source = 'solar' | 'gen' | 'battery' | 'ev' | 'buy';
export type Sink = 'home' | 'hot' | 'ev' | 'battery' | 'sell';

export interface Stream {
  from: Source;
  to: Sink;
  kw: number;
}

/** Below this a figure is "0.0 kW": nothing flows as far as anybody can see. */
export const QUIET_KW = 0.05;

const over = (value: Num): number => Math.max(0, value ?? 0);
const under = (value: Num): number => Math.max(0, -(value ?? 0));

/** Sources in the order they are used up, sinks in the order they are served: own energy stays in the house first. */
export function streams(p: Powers): Stream[] {
  const sources: [Source, number][] = [
    ['solar', over(p.pv_kw)],
    ['gen', over(p.gen_kw)],
    ['battery', under(p.battery_kw)],
    ['ev', under(p.ev_kw)],
    ['buy', over(p.grid_kw)],
  ];
  const sinks: [Sink, number][] = [
    ['home', over(p.load_kw)],
    ['hot', over(p.heater_kw)],
    ['ev', over(p.ev_kw)],
    ['battery', over(p.battery_kw)],
    ['sell', under(p.grid_kw)],
  ];
  const found: Stream[] = [];
  for (const source of sources)
    for (const sink of sinks) {
      const kw = Math.min(source[1], sink[1]);
      if (kw <= 0 || String(source[0]) === String(sink[0])) continue;
      source[1] -= kw;
      sink[1] -= kw;
      if (kw >= 0.001) found.push({ from: source[0], to: sink[0], kw });
    }
  return found;
}

/** Share (0 to 1) of each source in what the house uses (home, hot water, car); empty when nothing is known. */
export function useShares(all: Stream[]): { source: Source; share: number }[] {
  const used = all.filter((s) => s.to === 'home' || s.to === 'hot' || s.to === 'ev');
  const total = used.reduce((sum, s) => sum + s.kw, 0);
  if (total < 0.001) return [];
  const order: Source[] = ['solar', 'gen', 'battery', 'ev', 'buy'];
  return order
    .map((source) => ({ source, share: used.filter((s) => s.from === source).reduce((sum, s) => sum + s.kw, 0) / total }))
    .filter((s) => s.share > 0.001);
}

export type Node = 'solar' | 'gen' | 'grid' | 'battery' | 'ev' | 'hot';

export interface Spoke {
  node: Node;
  /** true: towards the house */
  inward: boolean;
  kw: number;
  /** where the electricity comes from; `other` when that is not known */
  tone: Source | 'other';
}

function main(all: Stream[], to: Sink, kw: number): Source | 'other' {
  const feeding = all.filter((s) => s.to === to).sort((a, b) => b.kw - a.kw);
  const known_kw = feeding.reduce((sum, s) => sum + s.kw, 0);
  return known_kw < kw / 2 ? 'other' : (feeding[0]?.from ?? 'other');
}

/** The lines of the picture: one per part of the house, coloured by where the electricity comes from. */
export function spokes(p: Powers): Spoke[] {
  // With a source missing nobody can say what feeds what.
  const all = p.pv_kw === null && p.use_kw === null ? [] : streams(p);
  const lines: Spoke[] = [];
  const add = (node: Node, kw: Num, source: Source, sink: Sink | null): void => {
    if (kw === null || Math.abs(kw) < QUIET_KW) return;
    if (kw < 0) lines.push({ node, inward: true, kw: -kw, tone: source });
    else if (sink) lines.push({ node, inward: false, kw, tone: main(all, sink, kw) });
  };
  add('solar', p.pv_kw === null ? null : -p.pv_kw, 'solar', null);
  add('gen', p.gen_kw === null ? null : -p.gen_kw, 'gen', null);
  add('grid', p.grid_kw === null ? null : -p.grid_kw, 'buy', 'sell');
  add('battery', p.battery_kw, 'battery', 'battery');
  add('ev', p.ev_kw, 'ev', 'ev');
  add('hot', p.heater_kw, 'buy', 'hot');
  return lines;
}

const LOW = Math.sqrt(0.1);
const HIGH = Math.sqrt(6);

/** Line width: 2 at 100 W to 9 at 6 kW, square-root scale. */
export function lineWidth(kw: number): number {
  const part = (Math.sqrt(Math.max(kw, 0)) - LOW) / (HIGH - LOW);
  return 2 + 7 * Math.min(1, Math.max(0, part));
}

/** Seconds a dot needs for the trip: 2.4 at 100 W or less to 0.8 at 6 kW or more. */
export function tripSeconds(kw: number): number {
  return 2.4 - 1.6 * ((lineWidth(kw) - 2) / 7);
}
