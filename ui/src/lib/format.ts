// Numbers and times as people read them. Pure: the language and the zone are handed in.

export type Num = number | null | undefined;

const DASH = '–';
const THOUSANDS = /\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g;

/** Fixed decimals, a real minus sign, thousands separated; a dash for what is not known. */
export function number(value: Num, decimals: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  // Not toLocaleString: that makes a formatter for each of the many numbers of a screen.
  const text = Math.abs(value).toFixed(decimals).replace(THOUSANDS, ',');
  return value < 0 && Number(text.replaceAll(',', '')) > 0 ? `−${text}` : text;
}

/** kWh: two places below one, one below a hundred, none above. */
export function energy(value: Num): string {
  if (value === null || value === undefined) return DASH;
  const size = Math.abs(value);
  return number(value, size >= 99.95 ? 0 : size >= 0.995 || size === 0 ? 1 : 2);
}

export const power = (value: Num): string => number(value, 1);
/** Circuits are often small: two places below 1 kW. */
export const finePower = (value: Num): string =>
  value !== null && value !== undefined && Math.abs(value) < 0.005 ? '0' : number(value, Math.abs(value ?? 0) < 0.995 ? 2 : 1);
export const yen = (value: Num): string => number(value, 0);
export const percent = (value: Num): string => number(value, 0);
/** A share of a whole: what is small is not nothing. */
export const share = (value: Num): string => `${value !== null && value !== undefined && value > 0 && value < 0.5 ? '<1' : percent(value)} %`;

const cache = new Map<string, Intl.DateTimeFormat>();

function formatter(locale: string, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale}|${zone}|${JSON.stringify(options)}`;
  let found = cache.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(locale, { ...options, timeZone: zone });
    cache.set(key, found);
  }
  return found;
}

/** "10:42" in the home's zone. */
export function clock(at: string | Date, zone: string): string {
  return formatter('en-GB', zone, { hour: '2-digit', minute: '2-digit', hour12: false }).format(new Date(at));
}

/** Local calendar day of an instant, "2026-11-20". */
export function localDay(at: string | Date, zone: string): string {
  return formatter('en-CA', zone, { year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date(at));
}

/** "11/20 10:42", for moments that may be on another day. */
export function moment(at: string | Date, zone: string, locale: string): string {
  return formatter(locale, zone, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false }).format(
    new Date(at),
  );
}

/** Words for a calendar date ("2026-11-20"), free of any zone. */
export function dateWords(day: string, locale: string, options: Intl.DateTimeFormatOptions): string {
  return formatter(locale, 'UTC', options).format(new Date(`${day}T00:00:00Z`));
}

/** Hour of an instant in the zone, 0 to 23.98. */
export function hourOf(at: string | Date, zone: string): number {
  const [hour = '0', minute = '0'] = clock(at, zone).split(':');
  return (Number(hour) % 24) + Number(minute) / 60;
}

/** Bytes as B, kB, MB or GB. */
export function size(bytes: Num): string {
  if (bytes === null || bytes === undefined) return DASH;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  return `${number(bytes / 1000 ** step, step > 1 ? 1 : 0)} ${units[step]}`;
}

/** Full-width digits and signs typed on a Japanese keyboard become plain ones. */
export function plainDigits(text: string): string {
  return text
    .replace(/[０-９．]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
    .replace(/[ー−－]/g, '-')
    .replace(/[,，、\s]/g, '');
}
