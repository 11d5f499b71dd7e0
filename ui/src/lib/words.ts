// Small phrases several screens share: ages, energies, errors.

import { ApiError, HomeAway, Unreachable } from './api.ts';
import { clock, localDay, moment } from './format.ts';
import { locale, t, word } from './i18n.svelte.ts';
import { place } from './place.svelte.ts';
import { session } from './session.svelte.ts';

/** "3分" / "3 min" */
export function ageWords(age_s: number): string {
  const s = Math.max(0, Math.round(age_s));
  if (s < 90) return t('age.s', { n: s });
  if (s < 5400) return t('age.m', { n: Math.round(s / 60) });
  if (s < 129_600) return t('age.h', { n: Math.round(s / 3600) });
  return t('age.d', { n: Math.round(s / 86_400) });
}

/** "3分前", "いま", "まだ届いていません" */
export function agoWords(age_s: number | null | undefined): string {
  if (age_s === null || age_s === undefined) return t('age.never');
  return age_s < 15 ? t('age.now') : t('age.ago', { age: ageWords(age_s) });
}

/** "10:31", or "11月20日 10:31" for another day. */
export function momentWords(at: string, zone: string): string {
  return localDay(at, zone) === localDay(new Date(), zone) ? clock(at, zone) : moment(at, zone, locale());
}

/** What a person can do with a failed call, in the reader's language. */
export function errorWords(reason: unknown): string {
  if (reason instanceof HomeAway) return t('outside.away_text');
  if (reason instanceof Unreachable) return t('error.unreachable');
  if (!(reason instanceof ApiError)) return t('error.internal');
  const numbers = { expected: reason.expected ?? '' };
  // Some codes have words for each: a trouble in the home is never called one of the service, and the other way round.
  const outside = place.home !== null || session.state === 'cloud';
  const [first, second] = outside ? (['cloud_error', 'error'] as const) : (['error', 'cloud_error'] as const);
  const known = word(first, reason.code, numbers) ?? word(second, reason.code, numbers);
  if (known === null) return reason.message || t('error.internal');
  return reason.code === 'validation' && reason.message ? `${known} ${reason.message}` : known;
}

export function errorCode(reason: unknown): string {
  return reason instanceof ApiError ? reason.code : reason instanceof HomeAway ? 'home_offline' : reason instanceof Unreachable ? 'unreachable' : 'screen';
}

/** The home's own rooms have words; what the owner wrote stays as written. */
export function roomWords(room: string | null | undefined): string {
  return room ? (word('room', room) ?? room) : '';
}

/** A band may come as a name or as an object with one. */
export function bandName(band: string | { name: string } | null | undefined): string {
  return typeof band === 'string' ? band : (band?.name ?? '');
}
