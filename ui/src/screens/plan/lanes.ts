// The lanes of a day: what the chart draws, from the day and the words.

import { barsOf, type Bar, type Lane, type Track } from '$lib/charts/lanes.ts';
import { energy } from '$lib/format.ts';
import { t } from '$lib/i18n.svelte.ts';
import { known_kwh, kw, RUNS_KWH, spanOf, type DayAsset, type DayView } from '$lib/plan/day.ts';
import type { Block, Mode } from '$lib/plan/types.ts';
import { barWords, kindWords, TONES } from '$lib/plan/words.ts';
import type { Num } from '$lib/types.ts';

export interface Levels {
  soc_pct: Num[];
  ev_soc_pct: Num[];
}

function track(view: DayView, name: keyof DayView['measured'], tone: string, label: string): Track {
  return { key: name, label, tone, measured: kw(view.measured[name]), expected: kw(after(view, view.planned[name])) };
}

/** On a day that is not over, the plan is drawn from the present on; of a past day it lies beside what happened. */
function after(view: DayView, values: Num[]): Num[] {
  if (view.now === null) return values;
  const from = Math.floor(view.now);
  return values.map((v, i) => (i < from ? null : v));
}

const isPast = (view: DayView, i: number): boolean => view.measured.load_kwh[i] !== null || (view.now !== null && i < Math.floor(view.now));

function blockIn(view: DayView, asset: string, first: number, last: number): Block | null {
  const begins = (b: Block): number => spanOf(b, view.starts[0] ?? '').first;
  return view.blocks.find((b) => b.asset === asset && begins(b) >= first && begins(b) < last) ?? null;
}

function modeBars(view: DayView, asset: DayAsset): Bar[] {
  const told = barsOf(asset.mode.map((m, i) => (m === null ? null : `${m}|${asset.reason[i]?.code ?? ''}|${isPast(view, i) ? 1 : 0}`)));
  return told.map(({ first, last, word }) => {
    const [mode, code, past] = word.split('|') as [Mode, string, string];
    const block = past === '1' ? null : blockIn(view, asset.asset, first, last);
    const idle = mode === 'hold' || mode === 'auto';
    return { first, last, past: past === '1', n: block?.n ?? null, text: barWords(asset.kind, mode, code), strength: idle ? 0 : 1 };
  });
}

function runBars(view: DayView, asset: DayAsset): Bar[] {
  const runs = barsOf(
    view.starts.map((_, i) => {
      const past = isPast(view, i);
      const value = past ? asset.measured_kwh[i] : asset.planned_kwh[i];
      return value !== null && value !== undefined && Math.abs(value) > RUNS_KWH ? (past ? 'past' : `plan ${asset.reason[i]?.code ?? ''}`) : null;
    }),
  );
  return runs.map(({ first, last, word }) => {
    const past = word === 'past';
    const kwh = (past ? asset.measured_kwh : asset.planned_kwh).slice(first, last).reduce<number>((sum, v) => sum + (v ?? 0), 0);
    const block = past ? null : blockIn(view, asset.asset, first, last);
    return { first, last, past, n: block?.n ?? null, text: `${energy(Math.abs(kwh))} ${t('unit.kwh')}`, ...(block ? { id: `${asset.asset}@${block.from}` } : {}) };
  });
}

function levelTrack(view: DayView, asset: DayAsset, measured: Num[]): Track {
  return { key: asset.asset, label: asset.name, tone: TONES[asset.kind], measured, expected: after(view, asset.level_pct) };
}

export function lanesOf(view: DayView, levels: Levels): Lane[] {
  const lanes: Lane[] = [];
  if (view.price.some((v) => v !== null)) lanes.push({ kind: 'price', key: 'price', label: t('plan.price'), unit: t('unit.yen_kwh'), values: view.price });
  const sun_kwh = known_kwh(view.measured.pv_kwh, view.planned.pv_kwh);
  const use_kwh = known_kwh(view.measured.load_kwh, view.planned.load_kwh);
  const total = (label: string, kwh: Num): string => (kwh === null ? label : `${label} ${energy(kwh)} ${t('unit.kwh')}`);
  const sun: Track = { ...track(view, 'pv_kwh', 'solar', total(t('energy.solar'), sun_kwh)), low: kw(view.pvLow), high: kw(view.pvHigh) };
  const use = track(view, 'load_kwh', 'home', total(t('plan.use'), use_kwh));
  const hasSun = [...view.measured.pv_kwh, ...view.planned.pv_kwh].some((v) => v !== null && v > 0);
  lanes.push({ kind: 'lines', key: 'sun', label: t(hasSun ? 'plan.sun_use' : 'plan.use'), unit: t('unit.kw'), tracks: hasSun ? [sun, use] : [use] });
  for (const asset of view.assets) {
    const label = nameOf(view, asset);
    if (asset.kind === 'battery') {
      const floorText = asset.reserve_pct === null ? '' : t('plan.reserve_line', { pct: Math.round(asset.reserve_pct) });
      lanes.push({
        kind: 'level', key: asset.asset, label, unit: t('unit.pct'), track: levelTrack(view, asset, levels.soc_pct),
        floor: asset.reserve_pct, floorText, bars: modeBars(view, asset),
      });
    } else {
      lanes.push({ kind: 'bars', key: asset.asset, label, unit: '', tone: TONES[asset.kind], bars: runBars(view, asset) });
    }
  }
  lanes.push({
    kind: 'grid', key: 'grid', label: t('plan.grid'), unit: t('unit.kw'),
    up: track(view, 'import_kwh', 'buy', t('energy.buy')), down: track(view, 'export_kwh', 'sell', t('energy.sell')),
  });
  return lanes;
}

/** The kind says enough while there is one of it. */
function nameOf(view: DayView, asset: DayAsset): string {
  const alike = view.assets.filter((a) => kindWords(a.kind) === kindWords(asset.kind));
  return alike.length > 1 ? asset.name : kindWords(asset.kind);
}
