// Words: typed keys into the one dictionary that screens, mails, voice and the command line share.

import type dictionary from '../../../src/hidamari/i18n/ja.json';
import { prefs, type Lang } from './prefs.svelte.ts';

type Dictionary = typeof dictionary;
export type Section = keyof Dictionary;
export type Key = { [S in Section]: `${S}.${keyof Dictionary[S] & string}` }[Section];
export type Numbers = Record<string, string | number>;

type Words = Record<string, Record<string, string>>;

const LOADERS: Record<Lang, () => Promise<{ default: unknown }>> = {
  ja: () => import('../../../src/hidamari/i18n/ja.json'),
  en: () => import('../../../src/hidamari/i18n/en.json'),
};

/** Words of screens that most visits do not open. */
const LATER: typeof LOADERS = {
  ja: () => import('later-words:ja'),
  en: () => import('later-words:en'),
};

let words = $state.raw<Words>({});
let first: Words = {};
let more: Words | null = null;

export async function loadWords(lang: Lang): Promise<void> {
  const found = await Promise.all([LOADERS[lang](), ...(more ? [LATER[lang]()] : [])]);
  first = found[0]?.default as Words;
  if (found[1]) more = found[1].default as Words;
  words = { ...first, ...more };
}

/** The words of the plan screens; asked for together with their files. */
export async function loadLaterWords(): Promise<void> {
  if (more) return;
  more = (await LATER[prefs.lang]()).default as Words;
  words = { ...first, ...more };
}

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
