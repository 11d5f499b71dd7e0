// `<solar>太陽光</solar>で…` from the dictionary: a word in the colour of its energy, nothing else.

export interface Piece {
  text: string;
  tone: string | null;
}

export function pieces(text: string): Piece[] {
  return text
    .split(/(<(\w+)>[^<]*<\/\2>)/g)
    .filter((part, i) => i % 3 !== 2 && part !== '')
    .map((part) => {
      const found = /^<(\w+)>([^<]*)<\/\1>$/.exec(part);
      return found ? { text: found[2] ?? '', tone: found[1] ?? null } : { text: part, tone: null };
    });
}

export const plain = (text: string): string => pieces(text).map((p) => p.text).join('');
