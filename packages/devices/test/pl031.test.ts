// The PL031: conformance, and its technical reference manual (DDI 0224).

import { describe, expect, test } from 'vitest';

import { pl031 } from '@worldswitch/devices';
import { conformance } from '@worldswitch/testkit';

import { bed } from './registers.ts';

describe('a PL031', () => {
  for (const { name, run } of conformance(pl031, { config: () => ({ start: 1_700_000_000 }) }))
    test(name, run);
});

const second = 1_000_000_000;
const clock = (start = 1000) => bed(pl031, () => ({ start }));

test('counts seconds of virtual time from its recorded start', () => {
  const { read, on } = clock();
  expect(read('RTCDR')).toBe(1000);
  on.clock.advanceTo(3 * second - 1);
  expect(read('RTCDR')).toBe(1002);
  on.clock.advanceTo(3 * second);
  expect(read('RTCDR')).toBe(1003);
});

test('wraps around at 2^32', () => {
  const { read, on } = clock(0xffff_ffff);
  on.clock.advanceTo(2 * second);
  expect(read('RTCDR')).toBe(1);
});

test('is set by RTCLR', () => {
  const { read, write, on } = clock();
  on.clock.advanceTo(5 * second);
  write('RTCLR', 77);
  expect(read('RTCLR')).toBe(77);
  on.clock.advanceTo(7 * second);
  expect(read('RTCDR')).toBe(79);
});

test('rings when it reaches RTCMR, and interrupts if RTCIMSC lets it', () => {
  const { read, write, on, irq } = clock();
  write('RTCMR', 1002);
  on.clock.advanceTo(2 * second - 1);
  expect(read('RTCRIS')).toBe(0);
  on.clock.advanceTo(2 * second);
  expect([read('RTCRIS'), read('RTCMIS'), irq()]).toEqual([1, 0, false]);
  write('RTCIMSC', 1);
  expect([read('RTCMIS'), irq()]).toEqual([1, true]);
  write('RTCICR', 1);
  expect([read('RTCRIS'), irq()]).toEqual([0, false]);
});

test('rings at once for the present second', () => {
  const { read, write } = clock();
  write('RTCMR', 1000);
  expect(read('RTCRIS')).toBe(1);
});

test('has an alarm that follows a change of the time', () => {
  const { read, write, on } = clock();
  write('RTCMR', 2000);
  write('RTCLR', 1999);
  on.clock.advanceTo(second);
  expect(read('RTCRIS')).toBe(1);
});

test('is started, and nothing stops it', () => {
  const { read, write, on } = clock();
  write('RTCCR', 0);
  on.clock.advanceTo(second);
  expect([read('RTCCR'), read('RTCDR')]).toEqual([1, 1001]);
});

test.each([
  ['RTCPeriphID0', 0x31],
  ['RTCPeriphID1', 0x10],
  ['RTCPCellID0', 0x0d],
  ['RTCPCellID3', 0xb1],
])('%s is %i', (name, value) => {
  expect(clock().read(name)).toBe(value);
});
