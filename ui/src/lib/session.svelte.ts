// Who is signed in, and what kind of home answers.

import { api, ApiError, cloud, HomeAway, Unreachable, whenSignedOut } from './api.ts';
import { live } from './live.svelte.ts';
import { place, reach } from './place.svelte.ts';
import { go } from './router.svelte.ts';
import type { Session, WellKnown } from './types.ts';

export const session = $state({
  user: null as Session | null,
  home: null as WellKnown | null,
  /** starting: nothing known yet; away: no answer; out: sign in first; in; cloud: account pages of the service */
  state: 'starting' as 'starting' | 'away' | 'out' | 'in' | 'cloud',
});

const NAME_MS = 8000;
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
  const back = location.pathname + location.search;
  if (place.home) location.replace(`/cloud/signin?to=${encodeURIComponent(back)}`);
  else if (!OPEN_PATHS.includes(location.pathname)) go(back === '/' ? '/signin' : `/signin?to=${encodeURIComponent(back)}`, true);
}

/** Ask what answers here and who we are; repeats by itself while nothing answers. */
export async function begin(): Promise<void> {
  whenSignedOut(leave, () => go('/password', true));
  try {
    session.home = await api.wellKnown<WellKnown>();
    if (place.home || session.home.kind === 'cloud') keepShell();
    // A home that was linked a moment ago has not told its name yet.
    if (place.home && !session.home.name) setTimeout(() => void refreshHome().catch(() => undefined), NAME_MS);
    if (session.home.kind === 'cloud') session.state = 'cloud';
    else enter(await who(session.home));
  } catch (reason) {
    if (reason instanceof ApiError && place.home) turnAway(reason);
    else if (reason instanceof ApiError && (reason.status === 401 || reason.status === 403)) {
      if (session.home?.setup_needed) go('/setup', true);
      leave();
    } else {
      session.state = 'away';
      if (reason instanceof Unreachable || reason instanceof ApiError) setTimeout(() => void begin(), 4000);
      else throw reason;
    }
  }
}

/** Outside the app opens without a network too, and says so. At home a plain page may not have that. */
function keepShell(): void {
  if ('serviceWorker' in navigator) void navigator.serviceWorker.register('/sw.js').catch(() => undefined);
}

/** Who is signed in; a home that is away and has sent nothing yet cannot tell. */
async function who(home: WellKnown): Promise<Session> {
  reach.away = home.linked === false;
  reach.last_seen = home.last_seen ?? null;
  try {
    return await api.get<Session>('/session');
  } catch (reason) {
    if (!(reason instanceof HomeAway)) throw reason;
    return { user: '', role: 'viewer', must_change_password: false, expires_at: null };
  }
}

/** Outside: what the service says instead of letting us into a home. */
function turnAway(reason: ApiError): void {
  const back = encodeURIComponent(location.pathname + location.search);
  if (reason.status === 401) leave();
  else if (reason.code === 'phone_needed') location.replace(`/cloud/phone?to=${back}`);
  else location.replace('/homes');
}

export async function signIn(user: string, password: string): Promise<void> {
  enter(await api.post<Session>('/session', { user, password }));
}

export async function signOut(): Promise<void> {
  await (place.home ? cloud : api).remove('/session');
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
