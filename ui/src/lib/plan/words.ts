// Reasons, deeds and states of the plan in words, from codes and numbers.

import { clock, energy, number, percent, power } from '../format.ts';
import { t, word, type Key } from '../i18n.svelte.ts';
import type { Num } from '../types.ts';
import type { Block, HomePlan, Kind, Mode, Reason, SlotAsset } from './types.ts';

const CENT_YEN = 1;

/** Whole yen; below one yen with a tenth, so that a small difference is not called none. */
export function fineYen(value: Num): string {
  return number(value, value !== null && Math.abs(value) > 0.04 && Math.abs(value) < CENT_YEN ? 1 : 0);
}

export function signedYen(value: number): string {
  const text = fineYen(value);
  return value > 0 && text !== '0' ? `+${text}` : text.replace('−0', '0');
}

/** 26 and 38.5, never 26.0. */
export function price(value: Num): string {
  return number(value, value !== null && Math.abs(value - Math.round(value)) > 0.04 ? 1 : 0);
}

function shown(name: string, value: number): string {
  if (name.endsWith('_yen_kwh')) return price(value);
  if (name.endsWith('_yen')) return fineYen(Math.abs(value));
  if (name.endsWith('_kwh')) return energy(Math.abs(value));
  if (name.endsWith('_kw')) return power(Math.abs(value));
  if (name.endsWith('_pct')) return percent(value);
  return number(value, 0);
}

/** The first wording of a code whose places can all be filled. */
const VARIANTS = ['_later', '_value', '_plain', ''];

export function reasonWords(reason: Reason): string {
  const numbers = Object.fromEntries(Object.entries(reason.numbers).flatMap(([name, v]) => (v === null ? [] : [[name, shown(name, v)]])));
  const worded = VARIANTS.map((v) => word('reason', reason.code + v, numbers)).find((text) => text !== null && !text.includes('{'));
  const other = reason.numbers['other_yen'];
  const gain = other !== undefined && other !== null && other >= CENT_YEN / 2 ? t('reason.gain', { yen: shown('other_yen', other) }) : '';
  return `${worded ?? t('reason.unknown', { code: reason.code })}${gain}`;
}

const NAMES: Record<Kind, Key> = { battery: 'energy.battery', v2h: 'energy.ev', ev_charger: 'energy.ev', water_heater: 'energy.hot' };
export const TONES: Record<Kind, 'battery' | 'ev' | 'hot'> = { battery: 'battery', v2h: 'ev', ev_charger: 'ev', water_heater: 'hot' };

export const kindWords = (kind: Kind): string => t(NAMES[kind]);

function family(kind: Kind): string {
  return kind === 'battery' ? 'battery' : kind === 'water_heater' ? 'hot' : 'ev';
}

/** "買って充電": what a mode means for this kind of thing, short enough for a bar. */
export function modeWords(kind: Kind, mode: Mode): string {
  return word('plan', `mode_${family(kind)}_${mode}`) ?? t(`plan.mode_${mode}` as Key);
}

/** The same for a bar: a following battery either stores the sun or is used. */
export function barWords(kind: Kind, mode: Mode, code: string): string {
  const follows = mode === 'follow' && (code === 'charge_sun' || code === 'cover_use');
  return (follows ? word('plan', `bar_${family(kind)}_${code}`) : null) ?? modeWords(kind, mode);
}

/** A following battery is said by what the sun and the use make of it. */
function deedOf(kind: Kind, mode: Mode, reason: Reason): string {
  const sun = reason.code === 'charge_sun';
  if (mode === 'follow' && kind !== 'water_heater') return sun ? 'sun' : reason.code === 'cover_use' ? 'use' : 'follow';
  return mode;
}

/** "蓄電池を42 %まで充電": the heading of a reason. */
export function deedWords(kind: Kind, mode: Mode, reason: Reason, known: { kwh: Num; level_pct?: Num }): string {
  const level = known.level_pct === null || known.level_pct === undefined ? null : percent(known.level_pct);
  const numbers = { kwh: energy(known.kwh === null ? null : Math.abs(known.kwh)), ...(level === null ? {} : { pct: level }) };
  const name = `do_${family(kind)}_${deedOf(kind, mode, reason)}`;
  const texts = [`${name}_to`, name].map((key) => word('plan', key, numbers));
  return texts.find((text) => text !== null && !text.includes('{')) ?? modeWords(kind, mode);
}

/** The order of an asset in the slot in which a block ends: for the level it reaches. */
export function atEnd(plan: HomePlan, block: Block): SlotAsset | null {
  const slot = plan.slots.findLast((s) => Date.parse(s.start) < Date.parse(block.to));
  return slot?.assets.find((a) => a.asset === block.asset) ?? null;
}

export function blockWords(plan: HomePlan, block: Block): string {
  const kind = plan.assets.find((a) => a.asset === block.asset)?.kind ?? 'battery';
  return deedWords(kind, block.mode, block.reason, { kwh: block.kwh, level_pct: atEnd(plan, block)?.level_pct ?? null });
}

export function span(from: string, to: string, zone: string): string {
  return `${clock(from, zone)}–${clock(to, zone)}`;
}
