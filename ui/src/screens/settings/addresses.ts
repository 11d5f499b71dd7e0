// IPv4 addresses as people type them: one on each line, or with commas, perhaps in wide digits.

import { plainDigits } from '$lib/format.ts';

const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ADDRESS = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}$`);

/** Each one once, in the order they were written. */
export function addressesIn(text: string): string[] {
  const parts = text.split(/[\s,，、]+/).map((part) => plainDigits(part).replaceAll('。', '.'));
  return [...new Set(parts.filter(Boolean))];
}

export const isAddress = (text: string): boolean => ADDRESS.test(text);
