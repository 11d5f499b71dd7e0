// Which circuits use electricity: those of the sun, the battery and the generator do not, a car's only while it charges.

import type { Asset, Circuit } from './types.ts';

const GIVERS = ['solar', 'battery', 'fuel_cell', 'generator'];
/** Two-way channels of a board, where the home does not say whose they are. */
const TWO_WAY = /^circuit:t\d+$/;

export function usesOnly(circuit: Circuit, assets: Asset[]): boolean {
  const kind = assets.find((a) => a.device === circuit.device)?.kind;
  if (kind) return !GIVERS.includes(kind);
  return !TWO_WAY.test(circuit.id);
}

/** Circuits that draw now, with what they draw; a car that gives power draws nothing. */
export function using(circuits: Circuit[], assets: Asset[]): Circuit[] {
  return circuits
    .filter((c) => usesOnly(c, assets))
    .map((c) => ({ ...c, power_kw: c.power_kw === null ? null : Math.max(0, c.power_kw) }));
}
