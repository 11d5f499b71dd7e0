// An icon for each kind of device; what is not listed is a box.

import { number } from '$lib/format.ts';
import type { CardLine } from '$lib/types.ts';
import type { IconName } from '$lib/parts/Icon.svelte';

const ICONS: Record<string, IconName> = {
  solar: 'sun',
  battery: 'battery',
  board: 'board',
  smart_meter: 'meter',
  water_heater: 'hot',
  v2h: 'ev',
  ev_charger: 'ev',
  air_conditioner: 'air',
  temperature_sensor: 'thermo',
  humidity_sensor: 'thermo',
  controller: 'home',
  node_profile: 'flow',
};

export const iconOf = (kind: string): IconName => ICONS[kind] ?? 'box';

const TONES: Record<string, string> = { solar: 'solar', battery: 'battery', v2h: 'ev', ev_charger: 'ev', water_heater: 'hot', smart_meter: 'buy' };

export const toneOf = (kind: string): string => TONES[kind] ?? 'home';

/** A line of a card: long counters lose the places nobody reads. */
export function cardText(line: CardLine): string {
  if (typeof line.value !== 'number') return line.text ?? '–';
  const places = Number.isInteger(line.value) || Math.abs(line.value) >= 1000 ? 0 : Math.abs(line.value) < 1 ? 2 : 1;
  return `${number(line.value, places)}${line.unit ? `\u00a0${line.unit}` : ''}`;
}
