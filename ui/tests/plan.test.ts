import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bandPath, barsOf, priceStrength, sameRuns, spread } from '../src/lib/charts/lanes.ts';
import { dayOf, dayView, known_kwh, placeOf, slotOf, spanOf } from '../src/lib/plan/day.ts';
import { csvText } from '../src/lib/table.ts';
import type { HomePlan, PlanResult, PlanSlot } from '../src/lib/plan/types.ts';

const ZONE = 'Asia/Tokyo';

test('a half-hour belongs to the local day of the home, not of the browser', () => {
  assert.equal(slotOf('2026-11-20T15:00:00Z', '2026-11-21', ZONE), 0);
  assert.equal(slotOf('2026-11-21T14:30:00Z', '2026-11-21', ZONE), 47);
  assert.equal(slotOf('2026-11-21T15:00:00Z', '2026-11-21', ZONE), null);
});

test('the present lies within its half-hour', () => {
  assert.equal(placeOf('2026-11-20T01:42:00Z', '2026-11-20', ZONE), 21.4);
});

test('yesterday, today and tomorrow are calendar days', () => {
  assert.equal(dayOf('yesterday', '2026-03-01'), '2026-02-28');
  assert.equal(dayOf('tomorrow', '2026-12-31'), '2027-01-01');
});

test('marks that would lie on one another move apart and stay between the ends', () => {
  assert.deepEqual(spread([10, 12, 100], 20, 0, 200), [10, 30, 100]);
  assert.deepEqual(spread([190, 195], 20, 0, 200), [180, 200]);
  assert.deepEqual(spread([], 20, 0, 200), []);
});

test('prices of one height are one run', () => {
  assert.deepEqual(sameRuns([26, 26, 38]), [{ first: 0, last: 2, value: 26 }, { first: 2, last: 3, value: 38 }]);
  assert.deepEqual(barsOf(['a', 'a', null, 'a']), [{ first: 0, last: 2, word: 'a' }, { first: 3, last: 4, word: 'a' }]);
});

test('the dearest price is drawn strongest, a flat tariff evenly', () => {
  assert.ok(priceStrength(38, [26, 31, 38]) > priceStrength(31, [26, 31, 38]));
  assert.equal(priceStrength(31, [31, null, 31]), 0.6);
});

test('a band breaks where an edge is not known', () => {
  const path = bandPath([0, 0, null, 0, 0], [1, 1, 1, 1, 1], (i) => i, (v) => v);
  assert.equal(path.split('M').length - 1, 2);
});

function slot(start: string, end: string, kwh: number): PlanSlot {
  return {
    start, end, buy_yen_kwh: 31, sell_yen_kwh: 10, band: '', load_kwh: kwh, pv_kwh: 0, import_kwh: kwh, export_kwh: 0, curtail_kwh: 0, value_yen_kwh: null,
    assets: [{ asset: 'b', mode: 'charge', kw: 1, kwh, grid_kw: 1, level_kwh: null, level_pct: 50, reason: { code: 'charge_cheap', numbers: {} }, rung: 'scenarios' }],
  };
}

const PLAN = {
  zone: ZONE, slots: [slot('2026-11-20T01:45:00Z', '2026-11-20T02:00:00Z', 0.1), slot('2026-11-20T02:00:00Z', '2026-11-20T02:30:00Z', 0.3)],
  assets: [{ asset: 'b', kind: 'battery', name: 'B', capacity_kwh: 10, reserve_kwh: 2 }], blocks: [],
} as unknown as HomePlan;

const RESULT = {
  day: '2026-11-20', zone: ZONE, assets: [],
  slots: [{ start: '2026-11-19T15:00:00Z', rung: 'mean', assets: [], planned: null, measured: { load_kwh: 0.25, pv_kwh: 0, import_kwh: 0.25, export_kwh: 0 } }],
} as unknown as PlanResult;

test('the rest of a running half-hour counts as its whole, at the same power', () => {
  const view = dayView({ day: '2026-11-20', zone: ZONE, time: new Date('2026-11-20T01:45:00Z'), plan: PLAN, result: RESULT });
  assert.equal(view.planned.load_kwh[21], 0.2);
  assert.equal(view.planned.load_kwh[22], 0.3);
  assert.equal(view.assets[0]?.reserve_pct, 20);
});

test('what nobody measured or planned is open, never zero', () => {
  const view = dayView({ day: '2026-11-20', zone: ZONE, time: new Date('2026-11-20T01:45:00Z'), plan: PLAN, result: RESULT });
  assert.equal(view.measured.load_kwh[0], 0.25);
  assert.equal(view.measured.load_kwh[1], null);
  assert.deepEqual([view.open[0], view.open[1], view.open[22]], [false, true, false]);
  assert.equal(view.starts[0], '2026-11-19T15:00:00.000Z');
  assert.equal(known_kwh(view.measured.load_kwh, view.planned.load_kwh), 0.75);
});

test('a block that goes on past midnight ends with the day', () => {
  const block = { n: 1, asset: 'b', mode: 'surplus' as const, from: '2026-11-20T14:00:00Z', to: '2026-11-20T17:00:00Z', kwh: 0, reason: { code: 'x', numbers: {} } };
  assert.deepEqual(spanOf(block, '2026-11-19T15:00:00Z'), { first: 46, last: 48 });
});

test('a block that began the day before begins with the day', () => {
  const block = { n: 1, asset: 'b', mode: 'surplus' as const, from: '2026-11-20T14:00:00Z', to: '2026-11-20T17:00:00Z', kwh: 0, reason: { code: 'x', numbers: {} } };
  assert.deepEqual(spanOf(block, '2026-11-20T15:00:00Z'), { first: 0, last: 4 });
});

test('a table becomes a file that other programs read', () => {
  assert.equal(csvText(['a', 'b "c"'], [['1,5', '−2'], ['–', 'x']]), 'a,"b ""c"""\r\n"1,5",-2\r\n,x\r\n');
});
