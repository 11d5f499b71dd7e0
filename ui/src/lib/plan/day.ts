// One local day of half-hours from three answers: what was measured, what had been planned, what is planned. Pure.

import { clock, localDay } from '../format.ts';
import { addDays } from '../period.ts';
import type { Num, PriceSlot } from '../types.ts';
import type { Block, Flows, HomePlan, Kind, Mode, PlanResult, PlanSlot, Reason } from './types.ts';

export const SLOTS = 48;
const HALF_HOUR_MS = 1_800_000;
const KW_PER_KWH = 2;
/** Below this in a half-hour a thing does not run, it only listens. */
export const RUNS_KWH = 0.05;

export type When = 'yesterday' | 'today' | 'tomorrow';

export interface DayAsset {
  asset: string;
  kind: Kind;
  name: string;
  /** kWh per slot, + drawn from the house, - given to it */
  measured_kwh: Num[];
  planned_kwh: Num[];
  mode: (Mode | null)[];
  reason: (Reason | null)[];
  /** level at the end of each slot, as the plan expects it */
  level_pct: Num[];
  reserve_pct: Num;
}

export interface DayView {
  day: string;
  starts: string[];
  /** where the present lies on the axis, in slots; null on other days */
  now: number | null;
  price: Num[];
  sell: Num[];
  measured: Record<keyof Flows, Num[]>;
  planned: Record<keyof Flows, Num[]>;
  pvLow: Num[];
  pvHigh: Num[];
  assets: DayAsset[];
  blocks: Block[];
  /** slots nobody has planned and nobody has measured */
  open: boolean[];
}

const FLOWS = ['load_kwh', 'pv_kwh', 'import_kwh', 'export_kwh'] as const;
const nothing = (): Num[] => new Array<Num>(SLOTS).fill(null);

export function dayOf(when: When, today: string): string {
  return addDays(today, when === 'yesterday' ? -1 : when === 'today' ? 0 : 1);
}

/** Half-hour of the local day an instant lies in, 0 to 47; null on another day. */
export function slotOf(at: string | Date, day: string, zone: string): number | null {
  if (localDay(at, zone) !== day) return null;
  const [hour = '0', minute = '0'] = clock(at, zone).split(':');
  return (Number(hour) % 24) * 2 + (Number(minute) >= 30 ? 1 : 0);
}

/** The same, with the part of the slot that is over. */
export function placeOf(at: string | Date, day: string, zone: string): number | null {
  const slot = slotOf(at, day, zone);
  return slot === null ? null : slot + (new Date(at).getTime() % HALF_HOUR_MS) / HALF_HOUR_MS;
}

function startsOf(day: string, zone: string, known: string[]): string[] {
  const first = known.find((at) => slotOf(at, day, zone) !== null);
  const ms = first ? Date.parse(first) - (slotOf(first, day, zone) ?? 0) * HALF_HOUR_MS : Date.parse(`${day}T00:00:00Z`);
  const floor = Math.floor(ms / HALF_HOUR_MS) * HALF_HOUR_MS;
  return Array.from({ length: SLOTS }, (_, i) => new Date(floor + i * HALF_HOUR_MS).toISOString());
}

/** Energies of a half-hour from the steps that lie in it: the first may be only the rest of a running one. */
function whole(values: Num[], steps: PlanSlot[]): Num {
  if (values.some((v) => v === null)) return null;
  const hours = steps.reduce((sum, s) => sum + (Date.parse(s.end) - Date.parse(s.start)) / HALF_HOUR_MS, 0);
  const kwh = values.reduce<number>((sum, v) => sum + (v ?? 0), 0);
  return hours > 0 ? kwh / hours : kwh;
}

export interface DayInput {
  day: string;
  zone: string;
  /** the home's own time */
  time: Date;
  plan: HomePlan | null;
  result: PlanResult | null;
  /** prices by start, for hours before the first plan */
  prices?: PriceSlot[];
}

export function dayView(input: DayInput): DayView {
  const { day, zone, plan, result } = input;
  const rows = (result?.day === day ? result.slots : []) ?? [];
  const slots = (plan?.slots ?? []).filter((s) => slotOf(s.start, day, zone) !== null);
  const view: DayView = {
    day,
    starts: startsOf(day, zone, [...rows, ...slots].map((s) => s.start)),
    now: placeOf(input.time, day, zone),
    price: nothing(),
    sell: nothing(),
    measured: { load_kwh: nothing(), pv_kwh: nothing(), import_kwh: nothing(), export_kwh: nothing() },
    planned: { load_kwh: nothing(), pv_kwh: nothing(), import_kwh: nothing(), export_kwh: nothing() },
    pvLow: nothing(),
    pvHigh: nothing(),
    assets: assetsOf(plan, result),
    blocks: [],
    open: [],
  };
  for (const known of input.prices ?? []) {
    const i = slotOf(known.at, day, zone);
    if (i !== null && view.price[i] === null) view.price[i] = known.buy_yen_kwh;
  }
  view.blocks = blocksOf(plan, view.starts);
  for (const row of rows) past(view, row, slotOf(row.start, day, zone));
  for (let i = 0; i < SLOTS; i++) ahead(view, slots.filter((s) => slotOf(s.start, day, zone) === i), i);
  view.open = view.starts.map((_, i) => view.planned.load_kwh[i] === null && view.measured.load_kwh[i] === null && !view.assets.some((a) => a.mode[i] !== null));
  return view;
}

function assetsOf(plan: HomePlan | null, result: PlanResult | null): DayAsset[] {
  const known = [...(plan?.assets ?? []), ...(result?.assets ?? [])];
  return known
    .filter((a, i) => known.findIndex((b) => b.asset === a.asset) === i)
    .map(({ asset, kind, name }) => {
      const now = plan?.assets.find((a) => a.asset === asset);
      const reserve_pct = now?.reserve_kwh && now.capacity_kwh ? (100 * now.reserve_kwh) / now.capacity_kwh : null;
      return {
        asset, kind, name, reserve_pct, measured_kwh: nothing(), planned_kwh: nothing(), level_pct: nothing(),
        mode: new Array<Mode | null>(SLOTS).fill(null), reason: new Array<Reason | null>(SLOTS).fill(null),
      };
    });
}

function past(view: DayView, row: PlanResult['slots'][number], i: number | null): void {
  if (i === null) return;
  view.price[i] = row.buy_yen_kwh ?? view.price[i] ?? null;
  for (const name of FLOWS) {
    view.measured[name][i] = row.measured?.[name] ?? null;
    view.planned[name][i] = row.planned?.[name] ?? null;
  }
  for (const told of row.assets) {
    const asset = view.assets.find((a) => a.asset === told.asset);
    if (!asset) continue;
    asset.measured_kwh[i] = told.measured_kwh;
    asset.planned_kwh[i] = told.planned_kwh;
    asset.mode[i] = told.mode;
    asset.reason[i] = told.reason;
  }
}

function ahead(view: DayView, steps: PlanSlot[], i: number): void {
  const first = steps[0];
  const last = steps.at(-1);
  if (!first || !last) return;
  view.price[i] = first.buy_yen_kwh;
  view.sell[i] = first.sell_yen_kwh;
  for (const name of FLOWS) view.planned[name][i] = whole(steps.map((s) => s[name]), steps);
  view.pvLow[i] = whole(steps.map((s) => s.pv_low_kwh ?? null), steps);
  view.pvHigh[i] = whole(steps.map((s) => s.pv_high_kwh ?? null), steps);
  for (const asset of view.assets) {
    const told = steps.flatMap((s) => s.assets.filter((a) => a.asset === asset.asset));
    if (!told[0]) continue;
    asset.planned_kwh[i] = whole(told.map((a) => a.kwh), steps);
    asset.mode[i] = told[0].mode;
    asset.reason[i] = told[0].reason;
    asset.level_pct[i] = told.at(-1)?.level_pct ?? null;
  }
}

/** Blocks that somebody can see: a battery's modes always, other things only while they run. */
export function worthTelling(plan: HomePlan | null): Block[] {
  const isBattery = (b: Block): boolean => plan?.assets.find((a) => a.asset === b.asset)?.kind === 'battery';
  return (plan?.blocks ?? []).filter((b) => isBattery(b) || Math.abs(b.kwh ?? 0) > RUNS_KWH);
}

/** Blocks that touch the day, numbered from 1 in the order in which they begin. */
function blocksOf(plan: HomePlan | null, starts: string[]): Block[] {
  const begin = Date.parse(starts[0] ?? '');
  const end = begin + SLOTS * HALF_HOUR_MS;
  return worthTelling(plan)
    .filter((b) => Date.parse(b.from) < end && Date.parse(b.to) > begin)
    .sort((a, b) => a.from.localeCompare(b.from) || a.n - b.n)
    .map((b, i) => ({ ...b, n: i + 1 }));
}

/** First and last (exclusive) slot of a block on the axis of a day that begins at `start`. */
export function spanOf(block: Block, start: string): { first: number; last: number } {
  const place = (at: string): number => (Date.parse(at) - Date.parse(start)) / HALF_HOUR_MS;
  const first = Math.max(0, Math.floor(place(block.from) + 1e-6));
  return { first, last: Math.min(SLOTS, Math.max(first + 1, Math.ceil(place(block.to) - 1e-6))) };
}

export const kw = (values: Num[]): Num[] => values.map((v) => (v === null ? null : v * KW_PER_KWH));

/** Sum of the best knowledge of each slot: measured where it is over, planned after that. */
export function known_kwh(measured: Num[], planned: Num[]): Num {
  const there = measured.map((v, i) => v ?? planned[i] ?? null).filter((v): v is number => v !== null);
  return there.length ? there.reduce((sum, v) => sum + v, 0) : null;
}

/** Share of what the home used that it did not buy, from the same best knowledge; null while hours are open. */
export function own_pct(view: DayView): Num {
  const bought = known_kwh(view.measured.import_kwh, view.planned.import_kwh);
  const use = known_kwh(view.measured.load_kwh, view.planned.load_kwh);
  if (bought === null || use === null || view.open.some(Boolean)) return null;
  const steered = view.assets
    .filter((a) => a.kind !== 'battery')
    .reduce((sum, a) => sum + Math.max(0, known_kwh(a.measured_kwh, a.planned_kwh) ?? 0), 0);
  return use + steered > 0.01 ? Math.max(0, 100 * (1 - bought / (use + steered))) : null;
}
