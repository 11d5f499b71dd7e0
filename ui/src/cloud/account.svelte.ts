// The signed-in person at the service, and where a page of the account leads to.

import { ApiError, cloud, Unreachable, whenSignedOut } from '../lib/api.ts';
import { go } from '../lib/router.svelte.ts';

export interface Person {
  mail: string;
  lang: 'ja' | 'en';
  /** the nickname of this browser; null until it has one */
  phone: string | null;
  fresh: boolean;
  expires_at: string;
}

export interface HomeEntry {
  home: string;
  role: string;
  nickname: string;
  since: string;
  linked: boolean;
  last_seen: string | null;
}

export interface Phone {
  id: string;
  nickname: string;
  created_at: string;
  seen_at: string;
  here: boolean;
}

export const account = $state({
  person: null as Person | null,
  state: 'starting' as 'starting' | 'away' | 'out' | 'in',
});

/** Pages for people who are not signed in. */
export const OPEN = ['signin', 'signup', 'join', 'forgot', 'password', 'ended'];
const LAST = 'hidamari-home';

export async function whoAmI(): Promise<void> {
  whenSignedOut(
    () => Object.assign(account, { person: null, state: 'out' }),
    () => undefined,
  );
  try {
    enter(await cloud.get<Person>('/session'));
  } catch (reason) {
    if (reason instanceof ApiError && reason.status === 401) account.state = 'out';
    else {
      account.state = 'away';
      if (reason instanceof Unreachable || reason instanceof ApiError) setTimeout(() => void whoAmI(), 4000);
      else throw reason;
    }
  }
}

export function enter(person: Person): void {
  account.person = person;
  account.state = 'in';
}

export async function signOut(): Promise<void> {
  await cloud.remove('/session');
  account.person = null;
  account.state = 'out';
  go('/cloud/signin', true);
}

/** Where somebody wanted to go; only paths of our own, never a foreign address from the query. */
export function wanted(to: string | undefined): string {
  return to && /^\/(?![/\\])/.test(to) && !to.startsWith('/cloud/sign') ? to : '/';
}

/** On: an account page within this one, a home with a page of its own. */
export function lead(to: string): void {
  if (to.startsWith('/homes/')) location.assign(to);
  else go(to, true);
}

/** The home that was open last in this browser. */
export function lastHome(): string | null {
  try {
    return localStorage.getItem(LAST);
  } catch {
    return null; // nothing kept in this browser: the list is shown
  }
}

export function keepHome(home: string | null): void {
  try {
    if (home) localStorage.setItem(LAST, home);
    else localStorage.removeItem(LAST);
  } catch {
    // nothing kept then
  }
}
