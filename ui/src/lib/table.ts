// A table of the screen as a CSV file, made in the browser.

const quoted = (cell: string): string => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

export function csvText(head: string[], rows: string[][]): string {
  return [head, ...rows].map((row) => row.map((cell) => quoted(cell === '–' ? '' : cell.replace('−', '-'))).join(',')).join('\r\n') + '\r\n';
}

export function saveRows(name: string, head: string[], rows: string[][]): void {
  const link = document.createElement('a');
  // Spreadsheets take a file for UTF-8 when it begins with this mark.
  link.href = URL.createObjectURL(new Blob(['\ufeff', csvText(head, rows)], { type: 'text/csv;charset=utf-8' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
