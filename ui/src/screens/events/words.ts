// What happened in words: an event is a code with data, some of it devices, times and spans.

import { momentWords, ageWords } from '$lib/words.ts';
import { number } from '$lib/format.ts';
import { t, word, type Numbers } from '$lib/i18n.svelte.ts';
import { modeWords, reasonWords } from '$lib/plan/words.ts';
import type { Kind, Mode } from '$lib/plan/types.ts';
import type { Num } from '$lib/types.ts';

export interface HomeEvent {
  seq: number;
  /** null: nobody knew the time */
  at: string | null;
  kind: 'command' | 'reason' | 'notice' | 'error' | 'log';
  device: string;
  code: string;
  data: Record<string, unknown>;
}
export interface Said {
  title: string;
  text: string;
}
export type Names = Record<string, { name: string; kind: string }>;

const TIMES = ['since', 'until', 'from', 'to', 'last_contact'];
const KINDS: readonly string[] = ['battery', 'v2h', 'ev_charger', 'water_heater'] satisfies Kind[];

function worded(name: string, value: unknown, names: Names, zone: string): string {
  if (Array.isArray(value)) return value.map((one) => worded(name, one, names, zone)).join(t('app.comma'));
  if (typeof value === 'number') return name.endsWith('_s') ? ageWords(Math.abs(value)) : name === 'minutes' ? ageWords(value * 60) : number(value, name.endsWith('_kwh') ? 1 : 0);
  const text = typeof value === 'string' ? value : '–';
  if (TIMES.includes(name) && !Number.isNaN(Date.parse(text))) return momentWords(text, zone);
  return names[text]?.name ?? text;
}

/** What stands for itself: the thing, what it was told, and how that went or why. */
function deed(event: HomeEvent, names: Names): Said {
  const thing = names[event.device] ?? { name: event.device, kind: '' };
  const kind = KINDS.includes(thing.kind) ? (thing.kind as Kind) : 'battery';
  const title = t('events.deed', { name: thing.name, mode: modeWords(kind, String(event.data['mode']) as Mode) });
  if (event.kind === 'command') return { title, text: word('why', `outcome_${event.code}`) ?? '' };
  return { title, text: reasonWords({ code: event.code, numbers: (event.data['numbers'] ?? {}) as Record<string, Num> }) };
}

export function eventWords(event: HomeEvent, names: Names, zone: string): Said {
  if (event.kind === 'command' || event.kind === 'reason') return deed(event, names);
  if (event.code === 'plan_rung') return { title: word('plan', `rung_${String(event.data['rung'])}`) ?? event.code, text: '' };
  if (event.code === 'weather') return { title: word('plan', `weather_${String(event.data['state'])}`) ?? event.code, text: '' };
  const given: Numbers = { name: names[event.device]?.name ?? names[String(event.data['asset'] ?? event.data['device'] ?? '')]?.name ?? '–' };
  for (const [name, value] of Object.entries(event.data)) given[name] = worded(name, value, names, zone);
  // Outside, what only the home may know is left out.
  const filled = (key: string): string | null => word('events', key, given)?.replace(/\{\w+\}/g, '–') ?? null;
  return { title: filled(event.code) ?? t('events.unknown', { code: event.code }), text: filled(`${event.code}_do`) ?? '' };
}
