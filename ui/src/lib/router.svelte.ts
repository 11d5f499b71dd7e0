// Where the user is: plain paths, kept in the browser's history; those of a home begin at the home.

import { homeOf, inner, outer, place } from './place.svelte.ts';

export const route = $state({ path: readPath(), query: readQuery() });

function readPath(): string {
  return inner(location.pathname).replace(/(.)\/$/, '$1');
}

function readQuery(): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(location.search));
}

function sync(): void {
  route.path = readPath();
  route.query = readQuery();
}

/** Go to `to` (path with query); `replace` leaves no step behind for the back button. */
export function go(to: string, replace = false): void {
  const address = outer(to);
  if (address === location.pathname + location.search) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', address);
  sync();
}

/** Change only the query of the present page; empty values disappear. */
export function setQuery(change: Record<string, string | null>, replace = false): void {
  const next = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(change)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  const text = next.toString();
  go(route.path + (text ? `?${text}` : ''), replace);
}

/** Links inside the app change the page without loading it again. */
export function followLinks(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  const special = event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey;
  if (!link || special || link.target || link.hasAttribute('download')) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || url.pathname.startsWith('/api/')) return;
  event.preventDefault();
  const address = outer(url.pathname + url.search);
  // The account and every home have a page of their own, so that nothing of one is left in another.
  if (homeOf(address) !== place.home || url.pathname === '/mailbox') location.assign(address);
  else go(url.pathname + url.search);
}

addEventListener('popstate', sync);
