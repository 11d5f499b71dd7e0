// The day on which the panels began, coming round again.

const LEAP_DAY = '02-29';

/** Full years since `since` when `today` is its anniversary (both "YYYY-MM-DD"), else null. */
export function anniversary(since: string, today: string): number | null {
  const years = Number(today.slice(0, 4)) - Number(since.slice(0, 4));
  const leap = Number(today.slice(0, 4)) % 4 === 0;
  const day = since.slice(5) === LEAP_DAY && !leap ? '02-28' : since.slice(5);
  return years >= 1 && today.slice(5) === day ? years : null;
}
