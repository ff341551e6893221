// The fake port keeps what it is given.

import { describe, expect, it } from 'vitest';

import { Fault } from '@worldswitch/platform';

import { Current } from '../src/current.ts';
import { systemOperation, systemRegister } from '../src/names.ts';
import { FakePort, RAM } from './fake-port.ts';

describe('the fake port', () => {
  it('keeps registers and memory, and records what was done', () => {
    const port = new FakePort();
    const out = { lo: 0, hi: 0 };
    port.writeSystem(systemRegister('HCR_EL2'), 1, 2);
    port.readSystem(systemRegister('HCR_EL2'), out);
    expect(out).toEqual({ lo: 1, hi: 2 });
    expect(port.get('HCR_EL2')).toBe(0x2_0000_0001n);
    expect(port.store({ lo: RAM + 8, hi: 0 }, 8, 0x89ab_cdef, 0x0123_4567)).toBe(Fault.None);
    expect(port.load({ lo: RAM + 9, hi: 0 }, 2, out)).toBe(Fault.None);
    expect(out).toEqual({ lo: 0xabcd, hi: 0 });
    expect(port.load({ lo: 0x1000, hi: 0 }, 4, out)).toBe(Fault.Decode);
    port.operate(systemOperation('ISB'));
    expect(port.operations('ISB')).toBe(1);
    expect(port.operations('DSB ISH')).toBe(0);
    expect(port.written('HCR_EL2')).toEqual([0x2_0000_0001n]);
  });
});

describe('the current port', () => {
  it('is there during an entry only', () => {
    const current = new Current();
    const port = new FakePort();
    expect(() => current.port).toThrow('during entries only');
    expect(current.during(port, () => current.port)).toBe(port);
    expect(current.inside).toBe(false);
    expect(() => current.port).toThrow('during entries only');
  });
});
