// The reference product: from the next year on, on that day.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anniversary } from '../src/lib/anniversary.ts';

test('the anniversary is the same day of any later year', () => {
  assert.equal(anniversary('2024-11-20', '2026-11-20'), 2);
  assert.equal(anniversary('2024-11-20', '2024-11-20'), null);
  assert.equal(anniversary('2024-11-20', '2026-11-21'), null);
});

test('panels that began on a leap day have their day every year', () => {
  assert.equal(anniversary('2024-02-29', '2025-02-28'), 1);
  assert.equal(anniversary('2024-02-29', '2028-02-29'), 4);
  assert.equal(anniversary('2024-02-29', '2028-02-28'), null);
});
