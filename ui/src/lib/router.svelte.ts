// Where the user is: plain paths, kept in the browser's history.

export const route = $state({ path: location.pathname, query: readQuery() });

function readQuery(): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(location.search));
}

function sync(): void {
  route.path = location.pathname.replace(/(.)\/$/, '$1');
  route.query = readQuery();
}

/** Go to `to` (path with query); `replace` leaves no step behind for the back button. */
export function go(to: string, replace = false): void {
  if (to === location.pathname + location.search) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
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
  go(location.pathname + (text ? `?${text}` : ''), replace);
}

/** Links inside the app change the page without loading it again. */
export function followLinks(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  const special = event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey;
  if (!link || special || link.target || link.hasAttribute('download')) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || url.pathname.startsWith('/api/')) return;
  event.preventDefault();
  go(url.pathname + url.search);
}

addEventListener('popstate', sync);
