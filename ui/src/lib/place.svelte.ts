// Where this page stands: in the home itself, or outside at the service, in one of several homes.

const FOUND = /^\/homes\/([a-z2-7]{26})(?=\/|$)/;

/** The home that a path leads into at the service; null in the home itself and on account pages. */
export function homeOf(path: string): string | null {
  return FOUND.exec(path)?.[1] ?? null;
}

// Going to another home loads the page anew, so this holds as long as the page does.
const home = homeOf(location.pathname);
export const place = { home, prefix: home ? `/homes/${home}` : '' };

/** What is known of the way to the home, seen from outside. */
export const reach = $state({
  /** the service answers, the home does not */
  away: false,
  last_seen: null as string | null,
});

/** Account pages of the service stand beside the homes. */
const BESIDE = /^\/(cloud|homes|mailbox)(\/|\?|$)/;

/** The address of a screen of this home: `/plan` -> `/homes/abc/plan` where the page stands outside. */
export function outer(to: string): string {
  return place.prefix && !BESIDE.test(to) ? place.prefix + to : to;
}

/** The screen of an address. */
export function inner(path: string): string {
  return place.prefix && homeOf(path) === place.home ? path.slice(place.prefix.length) || '/' : path;
}
