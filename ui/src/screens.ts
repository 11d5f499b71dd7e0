// One folder per screen; each becomes a file of its own that is loaded when first visited.

import type { Component } from 'svelte';
import { loadLaterWords, type Key } from './lib/i18n.svelte.ts';

export interface Screen {
  title: Key;
  /** bare: without navigation (sign-in, first start) */
  bare?: boolean;
  load: () => Promise<{ default: Component }>;
}

const withWords = (load: Screen['load']): Screen['load'] => () => Promise.all([load(), loadLaterWords()]).then(([view]) => view);

export const SCREENS: Record<string, Screen> = {
  '/': { title: 'nav.home', load: () => import('./screens/home/Home.svelte') },
  '/history': { title: 'nav.history', load: () => import('./screens/history/History.svelte') },
  '/flow': { title: 'nav.flow', load: () => import('./screens/flow/Flow.svelte') },
  '/meter': { title: 'meter.title', load: () => import('./screens/meter/Meter.svelte') },
  '/plan': { title: 'nav.plan', load: withWords(() => import('./screens/plan/Plan.svelte')) },
  '/modes': { title: 'nav.modes', load: withWords(() => import('./screens/modes/Modes.svelte')) },
  '/forecast': { title: 'nav.forecast', load: withWords(() => import('./screens/forecast/Forecast.svelte')) },
  '/devices': { title: 'nav.devices', load: () => import('./screens/devices/Devices.svelte') },
  '/settings': { title: 'nav.settings', load: () => import('./screens/settings/Settings.svelte') },
  '/setup': { title: 'setup.devices_title', bare: true, load: () => import('./screens/setup/Setup.svelte') },
  '/signin': { title: 'signin.title', bare: true, load: () => import('./screens/signin/SignIn.svelte') },
  '/password': { title: 'password.title', bare: true, load: () => import('./screens/password/Password.svelte') },
};

/** The screen of a path: `/devices/abc` belongs to `/devices`; unknown paths show Home. */
export function screenOf(path: string): string {
  const first = `/${path.split('/')[1] ?? ''}`;
  return first in SCREENS ? first : '/';
}
