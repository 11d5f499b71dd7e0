// One folder per screen; each becomes a file of its own that is loaded when first visited.

import type { Component } from 'svelte';
import { loadPart, type Key, type Part } from './lib/i18n.svelte.ts';

export interface Screen {
  title: Key;
  /** bare: without navigation (sign-in, first start) */
  bare?: boolean;
  load: () => Promise<{ default: Component }>;
}

/** A screen's file together with the words it needs. */
const withWords = (load: Screen['load'], ...parts: Part[]): Screen['load'] => () =>
  Promise.all([load(), loadPart('screens'), ...parts.map(loadPart)]).then(([view]) => view);

export const SCREENS: Record<string, Screen> = {
  '/': { title: 'nav.home', load: () => import('./screens/home/Home.svelte') },
  '/history': { title: 'nav.history', load: withWords(() => import('./screens/history/History.svelte')) },
  '/flow': { title: 'nav.flow', load: withWords(() => import('./screens/flow/Flow.svelte')) },
  '/meter': { title: 'nav.meter', load: withWords(() => import('./screens/meter/Meter.svelte')) },
  '/plan': { title: 'nav.plan', load: withWords(() => import('./screens/plan/Plan.svelte'), 'plan') },
  '/modes': { title: 'nav.modes', load: withWords(() => import('./screens/modes/Modes.svelte'), 'plan') },
  '/forecast': { title: 'nav.forecast', load: withWords(() => import('./screens/forecast/Forecast.svelte'), 'plan') },
  '/whatif': { title: 'nav.whatif', load: withWords(() => import('./screens/whatif/WhatIf.svelte'), 'plan') },
  '/devices': { title: 'nav.devices', load: withWords(() => import('./screens/devices/Devices.svelte')) },
  '/events': { title: 'nav.events', load: withWords(() => import('./screens/events/Events.svelte'), 'plan', 'events') },
  '/settings': { title: 'nav.settings', load: withWords(() => import('./screens/settings/Settings.svelte'), 'cloud') },
  '/setup': { title: 'nav.setup', bare: true, load: withWords(() => import('./screens/setup/Setup.svelte')) },
  '/signin': { title: 'nav.signin', bare: true, load: withWords(() => import('./screens/signin/SignIn.svelte')) },
  '/password': { title: 'nav.password', bare: true, load: withWords(() => import('./screens/password/Password.svelte')) },
};

/** The screen of a path: `/devices/abc` belongs to `/devices`; unknown paths show Home. */
export function screenOf(path: string): string {
  const first = `/${path.split('/')[1] ?? ''}`;
  return first in SCREENS ? first : '/';
}
