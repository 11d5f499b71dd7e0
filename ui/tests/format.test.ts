// Numbers, times and the sky as people would write them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as format from '../src/lib/format.ts';
import { pieces, plain } from '../src/lib/rich.ts';
import { sky, sunHeight } from '../src/lib/sky.ts';

test('a missing value is a dash, never zero', () => {
  assert.equal(format.power(null), '–');
  assert.equal(format.energy(undefined), '–');
  assert.equal(format.number(Number.NaN, 1), '–');
});

test('minus is a real minus, thousands are separated, no minus before zero', () => {
  assert.equal(format.yen(-48), '−48');
  assert.equal(format.yen(4885.4), '4,885');
  assert.equal(format.number(-0.04, 1), '0.0');
});

test('energies show as many places as they deserve', () => {
  assert.equal(format.energy(0.123), '0.12');
  assert.equal(format.energy(9.7), '9.7');
  assert.equal(format.energy(181.2), '181');
  assert.equal(format.energy(0), '0.0');
});

test('times are in the zone of the home', () => {
  assert.equal(format.clock('2026-11-20T01:42:00Z', 'Asia/Tokyo'), '10:42');
  assert.equal(format.localDay('2026-11-19T15:00:00Z', 'Asia/Tokyo'), '2026-11-20');
  assert.equal(format.localDay('2026-11-19T14:59:00Z', 'Asia/Tokyo'), '2026-11-19');
  assert.equal(format.hourOf('2026-11-19T15:30:00Z', 'Asia/Tokyo'), 0.5);
  assert.equal(format.dateWords('2026-11-20', 'ja-JP', { month: 'long', day: 'numeric', weekday: 'short' }), '11月20日(金)');
});

test('full-width digits become plain ones', () => {
  assert.equal(format.plainDigits('１２３．５'), '123.5');
  assert.equal(format.plainDigits('1,000'), '1000');
});

test('bytes are written as people read them', () => {
  assert.equal(format.size(48_200_000), '48.2 MB');
  assert.equal(format.size(900), '900 B');
});

test('coloured words come apart and together again', () => {
  const text = '<solar>太陽光</solar>で家の電気をまかなっています。';
  assert.deepEqual(pieces(text), [
    { text: '太陽光', tone: 'solar' },
    { text: 'で家の電気をまかなっています。', tone: null },
  ]);
  assert.equal(plain(text), '太陽光で家の電気をまかなっています。');
});

test('the sun of Tokyo stands where the almanac has it', () => {
  // Summer solstice, culmination near 11:43 JST: 90 - 35.5 + 23.4 = 77.9 degrees.
  assert.ok(Math.abs(sunHeight(new Date('2026-06-21T02:43:00Z')) - 77.9) < 1.5);
  // Winter solstice, noon: 90 - 35.5 - 23.4 = 31.1 degrees.
  assert.ok(Math.abs(sunHeight(new Date('2026-12-22T02:40:00Z')) - 31.1) < 1.5);
  assert.equal(sky(new Date('2026-11-20T12:00:00Z'), 0), 'night');
  assert.equal(sky(new Date('2026-11-20T02:00:00Z'), 0), 'day');
  assert.equal(sky(new Date('2026-11-20T07:40:00Z'), 0), 'low');
  assert.equal(sky(new Date('2026-11-20T12:00:00Z'), 2), 'day');
});
