// A long table in parts that a home takes at once, each with the head row.

const MOST_BYTES = 600_000; // a home takes a body of 1 MB
const NEW_LINE = 0x0a; // the same byte in UTF-8 and in Shift_JIS, never part of another sign

export interface TablePart {
  csv: Blob;
  /** rows of the table in the parts before */
  before: number;
}

export function tableParts(file: Uint8Array<ArrayBuffer>): TablePart[] {
  const head = file.subarray(0, after(file, 0));
  const parts: TablePart[] = [];
  let from = head.length;
  let rows = 0;
  do {
    let to = from;
    const before = rows;
    while (to < file.length && to - from < MOST_BYTES) {
      to = after(file, to);
      rows += 1;
    }
    parts.push({ csv: new Blob([head, file.subarray(from, to)], { type: 'text/csv' }), before });
    from = to;
  } while (from < file.length);
  return parts;
}

function after(file: Uint8Array, from: number): number {
  const at = file.indexOf(NEW_LINE, from);
  return at < 0 ? file.length : at + 1;
}
