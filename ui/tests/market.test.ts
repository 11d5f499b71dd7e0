// A long table goes in parts, each with the head row, nothing lost or twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableParts } from '../src/screens/settings/market.ts';

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

test('a short table is one part, as it is', async () => {
  const [part, ...more] = tableParts(bytes('start,yen_kwh\n2026-05-14T00:00,10'));
  assert.equal(more.length, 0);
  assert.equal(await part!.csv.text(), 'start,yen_kwh\n2026-05-14T00:00,10');
  assert.equal(part!.before, 0);
});

test('a year of the exchange is cut between rows', async () => {
  const rows = Array.from({ length: 17_520 }, (_, i) => `2026/04/01,${(i % 48) + 1},${'9.99,'.repeat(24)}${i}`);
  const parts = tableParts(bytes(['head,row', ...rows, ''].join('\n')));
  assert.ok(parts.length > 1);
  let seen = 0;
  for (const { csv, before } of parts) {
    assert.ok(csv.size < 1_000_000);
    const [head, ...lines] = (await csv.text()).trimEnd().split('\n');
    assert.equal(head, 'head,row');
    assert.equal(before, seen);
    assert.deepEqual(lines, rows.slice(seen, seen + lines.length));
    seen += lines.length;
  }
  assert.equal(seen, rows.length);
});

test('an empty file is told by the home, not here', () => {
  assert.equal(tableParts(bytes('')).length, 1);
});
