// Who feeds whom: hand-made houses with the answer worked out on paper.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { lineWidth, spokes, streams, tripSeconds, useShares, type Powers } from '../src/lib/energy.ts';
import { sentenceCode } from '../src/lib/sentence.ts';

const NOTHING: Powers = { pv_kw: null, gen_kw: null, grid_kw: null, battery_kw: null, ev_kw: null, heater_kw: null, load_kw: null, use_kw: null };
const house = (p: Partial<Powers>): Powers => ({ ...NOTHING, ...p });

test('solar serves the home first, then hot water, the battery, and sells the rest', () => {
  const p = house({ pv_kw: 3.2, grid_kw: -0.6, battery_kw: 1.0, heater_kw: 0.6, load_kw: 1.0, use_kw: 1.6 });
  assert.deepEqual(
    streams(p).map((s) => [s.from, s.to, Number(s.kw.toFixed(3))]),
    [['solar', 'home', 1], ['solar', 'hot', 0.6], ['solar', 'battery', 1], ['solar', 'sell', 0.6]],
  );
});

test('a battery that charges at night is fed by bought electricity', () => {
  const p = house({ pv_kw: 0, grid_kw: 2.4, battery_kw: 2, load_kw: 0.4, use_kw: 0.4 });
  const battery = spokes(p).find((s) => s.node === 'battery');
  assert.deepEqual([battery?.inward, battery?.tone, battery?.kw], [false, 'buy', 2]);
});

test('a car that gives power feeds the house in the colour of the car', () => {
  const p = house({ grid_kw: 0, ev_kw: -1.5, load_kw: 1.5, use_kw: 1.5 });
  assert.deepEqual(spokes(p).map((s) => [s.node, s.inward, s.tone]), [['ev', true, 'ev']]);
  assert.equal(sentenceCode(p), 'car_covers');
});

test('shares of the use add up to one and leave out what is sold or stored', () => {
  const p = house({ pv_kw: 1, grid_kw: 0.5, battery_kw: -0.5, load_kw: 2, use_kw: 2 });
  const shares = useShares(streams(p));
  assert.deepEqual(shares, [
    { source: 'solar', share: 0.5 }, { source: 'battery', share: 0.25 }, { source: 'buy', share: 0.25 },
  ]);
});

test('without the solar reading nobody guesses where the electricity comes from', () => {
  const p = house({ grid_kw: -0.6, battery_kw: 1 });
  assert.deepEqual(spokes(p).map((s) => s.tone), ['other', 'other']);
  assert.equal(sentenceCode(p), 'partly');
  assert.equal(sentenceCode(NOTHING), 'nothing_yet');
});

test('a line is 2 wide at 100 W and 9 at 6 kW, and a dot takes 2.4 to 0.8 seconds', () => {
  assert.equal(lineWidth(0.1), 2);
  assert.equal(lineWidth(6), 9);
  assert.equal(lineWidth(20), 9);
  // square root of 1.5 kW lies at (1.2247 - 0.3162) / (2.4495 - 0.3162) = 0.4259 of the way
  assert.ok(Math.abs(lineWidth(1.5) - (2 + 7 * 0.4259)) < 0.01);
  assert.equal(tripSeconds(0.05), 2.4);
  assert.ok(Math.abs(tripSeconds(6) - 0.8) < 1e-9);
});

test('the sentence is the one that the home would say', () => {
  // the same table is put to the home's own rule (tests/api/test_home.py)
  const cases = JSON.parse(readFileSync(new URL('../../tests/data/sentences.json', import.meta.url), 'utf8')) as [string, Partial<Powers>][];
  assert.ok(cases.length > 20);
  for (const [code, p] of cases) assert.equal(sentenceCode(house(p)), code, JSON.stringify(p));
});
