// What the sky of the picture shows: day, low sun or night.

export type Sky = 'day' | 'low' | 'night';

const RAD = Math.PI / 180;
/** Middle of Japan; the picture needs no more than the light outside. */
const LATITUDE = 35.5;
const LONGITUDE_JST = 138;

/**
 * Height of the sun in degrees: declination by Cooper (1969), hour angle by mean solar time.
 * Off by up to 4 degrees (equation of time left out); enough to choose a colour.
 */
export function sunHeight(at: Date): number {
  const start = Date.UTC(at.getUTCFullYear(), 0, 0);
  const day = (at.getTime() - start) / 86_400_000;
  const declination = 23.45 * Math.sin((RAD * 360 * (284 + day)) / 365);
  const hourUtc = at.getUTCHours() + at.getUTCMinutes() / 60;
  const angle = 15 * (hourUtc - 12) + LONGITUDE_JST;
  const height =
    Math.sin(LATITUDE * RAD) * Math.sin(declination * RAD) +
    Math.cos(LATITUDE * RAD) * Math.cos(declination * RAD) * Math.cos(angle * RAD);
  return Math.asin(height) / RAD;
}

/** Panels that give power prove that the sun is up, whatever the calendar says. */
export function sky(at: Date, pv_kw: number | null): Sky {
  const height = sunHeight(at);
  if (height > 8 || (pv_kw ?? 0) > 0.5) return 'day';
  return height > -5 || (pv_kw ?? 0) > 0.05 ? 'low' : 'night';
}
