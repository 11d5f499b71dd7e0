// What is special about today, asked of the home once a day and browser.

import { anniversary } from '$lib/anniversary.ts';
import { api } from '$lib/api.ts';
import type { Settings } from '$lib/types.ts';

const PLACE = 'hidamari-day';

function isNew(day: string): boolean {
  try {
    if (localStorage.getItem(PLACE) === day) return false;
    localStorage.setItem(PLACE, day);
    return true;
  } catch {
    return false; // a browser that keeps nothing would show it at every visit
  }
}

/** Years of solar power when `day` is the anniversary and nobody has been told here yet. */
export async function yearsToday(day: string): Promise<number | null> {
  if (!isNew(day)) return null;
  const settings = await api.get<Settings>('/settings').catch(() => null);
  const since = settings?.home?.pv_since;
  return since ? anniversary(since, day) : null;
}
