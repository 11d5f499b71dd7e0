// Words: typed keys into the one dictionary that screens, mails, voice and the command line share.

import type dictionary from '../../../src/hidamari/i18n/ja.json';
import { prefs, type Lang } from './prefs.svelte.ts';

type Dictionary = typeof dictionary;
export type Section = keyof Dictionary;
export type Key = { [S in Section]: `${S}.${keyof Dictionary[S] & string}` }[Section];
export type Numbers = Record<string, string | number>;

type Words = Record<string, Record<string, string>>;

/** `home` is always there; the others come with the screens that need them (see vite.config.ts). */
export type Part = 'home' | 'screens' | 'plan' | 'events' | 'cloud';

const FILES: Record<Part, Record<Lang, () => Promise<{ default: unknown }>>> = {
  home: {
    ja: () => import('../../../src/hidamari/i18n/ja.json'),
    en: () => import('../../../src/hidamari/i18n/en.json'),
  },
  screens: { ja: () => import('words-screens:ja'), en: () => import('words-screens:en') },
  plan: { ja: () => import('words-plan:ja'), en: () => import('words-plan:en') },
  events: { ja: () => import('words-events:ja'), en: () => import('words-events:en') },
  cloud: { ja: () => import('words-cloud:ja'), en: () => import('words-cloud:en') },
};

let words = $state.raw<Words>({});
const wanted = new Set<Part>(['home']);

/** All parts that this visit has needed so far, in `lang`. */
export async function loadWords(lang: Lang): Promise<void> {
  const found = await Promise.all([...wanted].map((part) => FILES[part][lang]()));
  words = Object.assign({}, ...found.map((file) => file.default as Words)) as Words;
}

/** The words of a part; asked for together with the files of the screens that use them. */
export async function loadPart(part: Part): Promise<void> {
  if (wanted.has(part)) return;
  wanted.add(part);
  const more = (await FILES[part][prefs.lang]()).default as Words;
  words = { ...words, ...more };
}

/** The words of the plan screens. */
export const loadLaterWords = (): Promise<void> => loadPart('plan');

const BEFORE_UNIT = /([\d–]) (?=(?:%|kWh?|L|W|A|yen|円|℃|°C)(?![A-Za-z]))/g;

/** Put the numbers in; a number and its unit stay on one line. */
function fill(text: string, numbers: Numbers | undefined): string {
  if (!numbers) return text;
  const full = text.replace(/\{(\w+)\}/g, (all, name: string) => String(numbers[name] ?? all));
  return full.replace(BEFORE_UNIT, '$1\u00a0');
}

/** The word for `key` in the reader's language, with `{name}` places filled. */
export function t(key: Key, numbers?: Numbers): string {
  const [section = '', name = ''] = key.split('.');
  return fill(words[section]?.[name] ?? key, numbers);
}

/** The word for a code that came over the wire; null when this version does not know it. */
export function word(section: Section, code: string | null | undefined, numbers?: Numbers): string | null {
  const text = code ? words[section]?.[code] : undefined;
  return text === undefined ? null : fill(text, numbers);
}

export function locale(): string {
  return prefs.lang === 'ja' ? 'ja-JP' : 'en-GB';
}
