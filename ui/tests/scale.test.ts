// Chart arithmetic with numbers small enough to check by eye.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as scale from '../src/lib/charts/scale.ts';

test('an axis starts at zero and has round steps that reach the highest bar', () => {
  assert.deepEqual(scale.axis(3.7), { max: 4, step: 1 });
  assert.deepEqual(scale.axis(0.83), { max: 1, step: 0.25 });
  assert.deepEqual(scale.axis(120), { max: 150, step: 50 });
  assert.deepEqual(scale.axis(0), { max: 1, step: 0.5 });
});

test('sources stack up, uses stack down, gaps leave nothing', () => {
  const layers = [
    { key: 'a', label: '', tone: 'solar', values: [1, null] },
    { key: 'b', label: '', tone: 'buy', values: [2, null] },
    { key: 'c', label: '', tone: 'home', values: [3, null], down: true },
  ];
  const stacks = scale.stack(layers, 2);
  assert.deepEqual(stacks[0]?.map((s) => [s.from, s.to]), [[0, 1], [1, 3], [0, -3]]);
  assert.deepEqual(stacks[1], []);
  assert.deepEqual(scale.extent(stacks), { top: 3, bottom: -3 });
});

test('missing is where every layer is silent, zero is not missing', () => {
  const flags = scale.missing([{ values: [0, null, null, 1] }, { values: [null, null, null, null] }], 4);
  assert.deepEqual(flags, [false, true, true, false]);
  assert.deepEqual(scale.runs(flags), [{ first: 1, length: 2 }]);
});

test('a line breaks where a value is missing', () => {
  const path = scale.linePath([1, 2, null, 3], (i) => i * 10, (v) => v);
  assert.equal(path, 'M0.0 1.0L10.0 2.0M30.0 3.0');
  assert.equal(scale.stepPath([1, null, 2], (i) => i * 10, (v) => v), 'M0.0 1.0H10.0M20.0 2.0H30.0');
});

test('a sum of nothing is nothing, not zero', () => {
  assert.equal(scale.total([null, null]), null);
  assert.equal(scale.total([null, 0.5, 1]), 1.5);
});

test('a finger finds the slot under it and never one outside', () => {
  assert.equal(scale.slotAt(40, 40, 480, 48), 0);
  assert.equal(scale.slotAt(519, 40, 480, 48), 47);
  assert.equal(scale.slotAt(0, 40, 480, 48), 0);
  assert.equal(scale.slotAt(9999, 40, 480, 48), 47);
});
