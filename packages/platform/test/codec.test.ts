// State codecs: what they accept, and how they refuse.

import { describe, expect, test } from 'vitest';

import {
  bits,
  bytes,
  deadline,
  flag,
  list,
  nullable,
  record,
  savedDeadline,
  stateCodec,
  StateError,
  text,
  uint,
} from '@worldswitch/platform';
import type { Plain } from '@worldswitch/platform';

type Sample = Readonly<{ timer: readonly Readonly<{ deadline: number | null }>[]; on: boolean }>;

const codec = stateCodec<Sample>(1, record<Sample>({ timer: list(record({ deadline }), 0, 2), on: flag }));

test('a state that fits is copied', () => {
  const given = { timer: [{ deadline: 5 }, { deadline: null }], on: true };
  const parsed = codec.parse(given, 1);
  expect(parsed).toEqual(given);
  expect(parsed).not.toBe(given);
  expect(parsed.timer).not.toBe(given.timer);
});

test.each<readonly [string, Plain, string]>([
  ['a wrong root', 7, 'state must be a record, but is a number'],
  ['a missing field', { timer: [] }, 'on must be true or false, but is missing'],
  ['an unknown field', { timer: [], on: true, off: false }, 'off is not a known field'],
  [
    'a deep wrong type',
    { timer: [{ deadline: 'x' }], on: true },
    'timer[0].deadline must be a number, but is a text',
  ],
  [
    'NaN',
    { timer: [{ deadline: NaN }], on: true },
    'timer[0].deadline must be an integer of 0 to 9007199254740991',
  ],
  ['a list that is too long', { timer: [0, 0, 0], on: true }, 'timer must have 0 to 2 elements, but has 3'],
  ['a list that is bytes', { timer: new Uint8Array(1), on: true }, 'timer must be a list, but is bytes'],
  ['a null field', { timer: null, on: true }, 'timer must be a list, but is null'],
])('%s is refused by path', (_, given, message) => {
  expect(() => codec.parse(given, 1)).toThrow(StateError);
  expect(() => codec.parse(given, 1)).toThrow(message);
});

test('an inherited field is missing', () => {
  const given = Object.create({ timer: [], on: true }) as Plain;
  expect(() => codec.parse(given, 1)).toThrow('timer must be a list, but is missing');
});

describe('shapes', () => {
  test('bits refuses bits outside its mask', () => {
    expect(bits(0xf0).check(0x30, 'r')).toBe(0x30);
    expect(() => bits(0xf0).check(0x31, 'r')).toThrow('r must have no bits outside 0xf0, but is 49');
    expect(bits().check(0xffff_ffff, 'r')).toBe(0xffff_ffff);
  });

  test('uint has an inclusive end and no negative zero', () => {
    expect(uint(7).check(7, 'n')).toBe(7);
    expect(Object.is(uint(7).check(-0, 'n'), 0)).toBe(true);
    expect(() => uint(7).check(8, 'n')).toThrow('n must be an integer of 0 to 7, but is 8');
  });

  test('bytes and text have their lengths', () => {
    expect(bytes(2).check(Uint8Array.of(1, 2), 'b')).toEqual(Uint8Array.of(1, 2));
    expect(() => bytes(2).check(Uint8Array.of(1), 'b')).toThrow('b must have 2 bytes, but has 1');
    expect(text(2).check('ab', 't')).toBe('ab');
    expect(() => text(2).check('abc', 't')).toThrow('t must have at most 2 characters');
  });

  test('nullable accepts null', () => {
    expect(nullable(flag).check(null, 'f')).toBe(null);
    expect(() => nullable(flag).check(0, 'f')).toThrow('f must be true or false');
  });
});

test('an idle deadline is saved as null', () => {
  expect([savedDeadline(Infinity), savedDeadline(7)]).toEqual([null, 7]);
});

describe('versions', () => {
  const lifted = stateCodec<Readonly<{ on: boolean }>>(
    3,
    record<Readonly<{ on: boolean }>>({ on: flag }),
    (from, version) =>
      version === 1 ? { off: from } : { on: (from as Readonly<{ off: Plain }>).off !== true },
  );

  test('that are older are lifted one by one', () => {
    expect(lifted.parse(true, 1)).toEqual({ on: false });
    expect(lifted.parse({ off: false }, 2)).toEqual({ on: true });
    expect(lifted.parse({ on: true }, 3)).toEqual({ on: true });
  });

  test.each([0, 4, 1.5, NaN])('of %d are refused', (version) => {
    expect(() => lifted.parse({ on: true }, version)).toThrow(`version must be 1 to 3, but is ${version}`);
  });
});
