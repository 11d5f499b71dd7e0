// Which series the balance chart needs and how they become its layers: sources up, uses down.

import type { Layer, Num } from '$lib/charts/scale.ts';
import { total } from '$lib/charts/scale.ts';
import { t } from '$lib/i18n.svelte.ts';
import type { Has, History } from '$lib/types.ts';

interface Part {
  name: string;
  tone: string;
  down: boolean;
  part: keyof Has | null;
  label: () => string;
}

const PARTS: Part[] = [
  { name: 'pv_kw', tone: 'solar', down: false, part: 'pv', label: () => t('energy.solar') },
  { name: 'gen_kw', tone: 'gen', down: false, part: 'gen', label: () => t('energy.gen') },
  { name: 'discharge_kw', tone: 'battery', down: false, part: 'battery', label: () => t('history.from_battery') },
  { name: 'ev_discharge_kw', tone: 'ev', down: false, part: 'ev', label: () => t('history.from_ev') },
  { name: 'import_kw', tone: 'buy', down: false, part: null, label: () => t('energy.buy') },
  { name: 'load_kw', tone: 'home', down: true, part: null, label: () => t('energy.home') },
  { name: 'heater_kw', tone: 'hot', down: true, part: 'heater', label: () => t('energy.hot') },
  { name: 'ev_charge_kw', tone: 'ev', down: true, part: 'ev', label: () => t('history.to_ev') },
  { name: 'charge_kw', tone: 'battery', down: true, part: 'battery', label: () => t('history.to_battery') },
  { name: 'export_kw', tone: 'sell', down: true, part: null, label: () => t('energy.sell') },
];

const owned = (has: Has): Part[] => PARTS.filter((p) => p.part === null || has[p.part]);

/** `series` of the query; the state of charge only where single half-hours are shown. */
export function balanceSeries(has: Has, oneDay: boolean): string[] {
  const names = owned(has).map((p) => `home.${p.name}`);
  return [...names, 'home.use_kw', ...(oneDay && has.battery ? ['home.soc_pct'] : [])];
}

/** Layers with something in them; a car that never came home does not fill the legend. */
export function balanceLayers(has: Has, data: Pick<History, 'series'>): Layer[] {
  return owned(has)
    .map((p) => ({
      key: p.name,
      label: p.label(),
      tone: p.tone,
      down: p.down,
      values: values(data, p.name),
    }))
    .filter((l) => ['pv_kw', 'import_kw', 'load_kw'].includes(l.key) || (total(l.values) ?? 0) > 0.005);
}

export function values(data: Pick<History, 'series'> | null | undefined, name: string): Num[] {
  return (data?.series[`home.${name}`] ?? data?.series[name])?.values ?? [];
}
