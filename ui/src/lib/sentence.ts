// The one sentence of the house, as a code of the dictionary: what is happening.

import { QUIET_KW, type Powers } from './energy.ts';

export type SentenceCode =
  | 'solar_covers' | 'solar_covers_charges' | 'solar_covers_sells' | 'solar_covers_charges_sells'
  | 'solar_buy' | 'solar_battery' | 'solar_battery_buy' | 'solar_car' | 'solar_car_buy'
  | 'battery_covers' | 'battery_buy' | 'car_covers' | 'car_buy'
  | 'buy_only' | 'buy_charges' | 'buy_car' | 'nothing_yet' | 'partly';

/** Bought power up to this share of the use is the meter's own hunting, not a fact for people. */
const SMALL_SHARE = 0.08;

const NAMES = ['pv_kw', 'gen_kw', 'grid_kw', 'battery_kw', 'ev_kw', 'heater_kw', 'load_kw', 'use_kw'] as const;

export function sentenceCode(p: Powers): SentenceCode {
  // Parts the home has not are zero and tell nothing.
  if (p.use_kw === null || p.grid_kw === null) return NAMES.some((name) => p[name]) ? 'partly' : 'nothing_yet';
  const small = Math.max(QUIET_KW * 2, SMALL_SHARE * p.use_kw);
  const sun = (p.pv_kw ?? 0) + (p.gen_kw ?? 0) > small;
  const buys = p.grid_kw > small;
  const sells = p.grid_kw < -small;
  const battery_kw = p.battery_kw ?? 0;
  const ev_kw = p.ev_kw ?? 0;
  const charges = battery_kw > small;
  /** the store that feeds the house, of two the one that gives more */
  const giver = Math.min(battery_kw, ev_kw) >= -small ? null : battery_kw <= ev_kw ? 'battery' : 'car';
  if (sun && giver) return buys ? `solar_${giver}_buy` : `solar_${giver}`;
  if (sun && !buys) {
    if (charges && sells) return 'solar_covers_charges_sells';
    if (charges) return 'solar_covers_charges';
    return sells ? 'solar_covers_sells' : 'solar_covers';
  }
  if (sun && !charges) return 'solar_buy';
  if (giver) return buys ? `${giver}_buy` : `${giver}_covers`;
  if (charges) return 'buy_charges';
  return ev_kw > small ? 'buy_car' : 'buy_only';
}
