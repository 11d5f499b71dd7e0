// What this device's user chose: language and colours. Kept in this browser only.

export type Lang = 'ja' | 'en';
export type Theme = 'system' | 'light' | 'dark';

const PLACE = 'hidamari';

interface Saved {
  lang?: Lang;
  theme?: Theme;
}

function read(): Saved {
  try {
    return JSON.parse(localStorage.getItem(PLACE) ?? '{}') as Saved;
  } catch {
    return {}; // private window or foreign content: start from the defaults
  }
}

const saved = read();

export const prefs = $state({
  lang: saved.lang ?? (navigator.language.startsWith('ja') ? 'ja' : 'en') as Lang,
  theme: saved.theme ?? ('system' as Theme),
});

export function keepPrefs(change: Saved): void {
  Object.assign(prefs, change);
  const root = document.documentElement;
  root.lang = prefs.lang;
  if (prefs.theme === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = prefs.theme;
  try {
    localStorage.setItem(PLACE, JSON.stringify({ lang: prefs.lang, theme: prefs.theme }));
  } catch {
    // nothing kept then; the choice holds until the page closes
  }
}
