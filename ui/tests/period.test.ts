// Calendar arithmetic against a wall calendar.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addDays, comparisons, range, shift } from '../src/lib/period.ts';

test('a week starts on Monday', () => {
  assert.deepEqual(range('week', '2026-11-20'), { from: '2026-11-16', to: '2026-11-23', step: '1d' }); // a Friday
  assert.deepEqual(range('week', '2026-11-22'), { from: '2026-11-16', to: '2026-11-23', step: '1d' }); // Sunday
});

test('months and years hold all their days, also in leap years', () => {
  assert.deepEqual(range('month', '2028-02-29'), { from: '2028-02-01', to: '2028-03-01', step: '1d' });
  assert.deepEqual(range('year', '2026-11-20'), { from: '2026-01-01', to: '2027-01-01', step: '1mo' });
  assert.deepEqual(range('month', '2026-12-31').to, '2027-01-01');
});

test('a step keeps the day inside shorter months', () => {
  assert.equal(shift('month', '2026-01-31', 1), '2026-02-28');
  assert.equal(shift('month', '2026-03-31', -1), '2026-02-28');
  assert.equal(shift('year', '2028-02-29', 1), '2029-02-28');
  assert.equal(shift('day', '2026-03-01', -1), '2026-02-28');
  assert.equal(shift('week', '2026-12-28', 1), '2027-01-04');
  assert.equal(addDays('2026-12-31', 1), '2027-01-01');
});

test('comparisons that make no sense are not offered', () => {
  assert.deepEqual(comparisons('day'), ['previous', 'weekday', 'last_year']);
  assert.deepEqual(comparisons('year'), ['previous']);
});
