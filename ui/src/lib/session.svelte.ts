// Who is signed in, and what kind of home answers.

import { api, ApiError, Unreachable, whenSignedOut } from './api.ts';
import { live } from './live.svelte.ts';
import { go } from './router.svelte.ts';
import type { Session, WellKnown } from './types.ts';

export const session = $state({
  user: null as Session | null,
  home: null as WellKnown | null,
  /** starting: nothing known yet; away: the home did not answer; out: sign in first; in */
  state: 'starting' as 'starting' | 'away' | 'out' | 'in',
});

const OPEN_PATHS = ['/signin', '/setup'];

function enter(user: Session): void {
  session.user = user;
  session.state = 'in';
  if (user.must_change_password) go('/password', true);
  else live.start();
}

function leave(): void {
  live.stop();
  session.user = null;
  session.state = 'out';
  if (!OPEN_PATHS.includes(location.pathname)) {
    const back = location.pathname + location.search;
    go(back === '/' ? '/signin' : `/signin?to=${encodeURIComponent(back)}`, true);
  }
}

/** Ask the home what it is and who we are; repeats by itself while the home is away. */
export async function begin(): Promise<void> {
  whenSignedOut(leave, () => go('/password', true));
  try {
    session.home = await api.wellKnown<WellKnown>();
    enter(await api.get<Session>('/session'));
  } catch (reason) {
    if (reason instanceof ApiError && (reason.status === 401 || reason.status === 403)) {
      if (session.home?.setup_needed) go('/setup', true);
      leave();
    } else {
      session.state = 'away';
      if (reason instanceof Unreachable || reason instanceof ApiError) setTimeout(() => void begin(), 4000);
      else throw reason;
    }
  }
}

export async function signIn(user: string, password: string): Promise<void> {
  enter(await api.post<Session>('/session', { user, password }));
}

export async function signOut(): Promise<void> {
  await api.remove('/session');
  leave();
}

export async function changePassword(current: string, next: string): Promise<void> {
  await api.put('/password', { current, new: next });
  enter(await api.get<Session>('/session'));
}

/** The very first account of a home; only inside the onboarding window. */
export async function firstPassword(user: string, password: string): Promise<void> {
  await api.post('/setup/password', { user, password });
  session.home = await api.wellKnown<WellKnown>();
  await signIn(user, password);
}

export async function refreshHome(): Promise<void> {
  session.home = await api.wellKnown<WellKnown>();
}
