// The bus: dispatch, widths, 64-bit accesses, faults, overlaps, what it tells listeners.

import { beforeEach, describe, expect, test } from 'vitest';

import { Fault, pa } from '@worldswitch/platform';
import type { Mmio, Transaction, Word64 } from '@worldswitch/platform';

import { SystemBus } from '../src/bus/bus.ts';
import { ConfigurationError } from '../src/errors.ts';
import { memoryWindow } from '../src/memory/window.ts';

const by: Transaction = { requester: 0, streamId: -1, secure: false, privileged: true, fault: Fault.None };
const out: Word64 = { lo: 0, hi: 0 };

/** Registers that remember what was asked. */
class Probe implements Mmio {
  readonly log: string[] = [];
  read(offset: number, width: number): number {
    this.log.push(`r${width}@${offset.toString(16)}`);
    return offset + 0x80;
  }
  write(offset: number, width: number, value: number): void {
    this.log.push(`w${width}@${offset.toString(16)}=${value.toString(16)}`);
  }
}

let bus: SystemBus;
let probe: Probe;
let ram: ReturnType<typeof memoryWindow>;

beforeEach(() => {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 4 });
  bus = new SystemBus(memory);
  probe = new Probe();
  ram = memoryWindow(memory, 0x1_0000, 0x2_0000, true);
  bus.mapMemory({ name: 'ram', base: pa(0x4000_0000), size: 0x2_0000 }, ram);
  bus.mapMemory({ name: 'rom', base: pa(0), size: 0x1000 }, memoryWindow(memory, 0, 0x1000, false));
  bus.map({ name: 'probe', base: pa(0x900_0000), size: 0x100, widths: [1, 4] }, probe);
  by.fault = Fault.None;
});

const faultOf = (access: () => unknown): number => {
  by.fault = Fault.None;
  access();
  return by.fault;
};

describe('accesses', () => {
  test('memory, at every width, little-endian', () => {
    bus.write64(pa(0x4000_0008), 0x8786_8584, 0xfffe_fdfc, by);
    expect(bus.read(pa(0x4000_0008), 1, by)).toBe(0x84);
    expect(bus.read(pa(0x4000_000a), 2, by)).toBe(0x8786);
    expect(bus.read(pa(0x4000_000c), 4, by)).toBe(0xfffe_fdfc);
    bus.read64(pa(0x4000_0008), out, by);
    expect(out).toEqual({ lo: 0x8786_8584, hi: 0xfffe_fdfc });
    expect([...ram.bytes.subarray(8, 12)]).toEqual([0x84, 0x85, 0x86, 0x87]);
    expect(by.fault).toBe(Fault.None);
  });

  test('registers see offsets; a width that they do not have never reaches them', () => {
    expect(bus.read(pa(0x900_0010), 4, by)).toBe(0x90);
    bus.write(pa(0x900_0011), 1, 0xab, by);
    expect(faultOf(() => bus.read(pa(0x900_0010), 2, by))).toBe(Fault.Size);
    expect(
      faultOf(() => {
        bus.write(pa(0x900_0010), 2, 1, by);
      }),
    ).toBe(Fault.Size);
    expect(probe.log).toEqual(['r4@10', 'w1@11=ab']);
  });

  test('64 bits are two accesses of 32, low first, where a device does not take them whole', () => {
    bus.read64(pa(0x900_0020), out, by);
    expect(out).toEqual({ lo: 0xa0, hi: 0xa4 });
    bus.write64(pa(0x900_0020), 1, 2, by);
    expect(probe.log).toEqual(['r4@20', 'r4@24', 'w4@20=1', 'w4@24=2']);
  });

  test('a device that takes 64 bits gets them whole', () => {
    const whole: Mmio = {
      read: () => 0,
      write: () => undefined,
      read64: (offset, to) => {
        to.lo = offset;
        to.hi = 7;
      },
      write64: (offset, lo, hi) => probe.log.push(`W${offset}=${lo},${hi}`),
    };
    bus.map({ name: 'whole', base: pa(0xa00_0000), size: 0x100, widths: [4, 8] }, whole);
    bus.read64(pa(0xa00_0008), out, by);
    expect(out).toEqual({ lo: 8, hi: 7 });
    bus.write64(pa(0xa00_0008), 3, 4, by);
    expect(probe.log).toEqual(['W8=3,4']);
  });

  test.each([
    ['nothing there', 0x800_0000],
    ['just before', 0x3fff_fffc],
    ['just after', 0x4002_0000],
    ['across the end', 0x4001_fffe],
    ['across the end of registers', 0x900_00fe],
    ['near the end of the space', 2 ** 52 - 4],
  ])('%s: a decode fault, and zero', (_name, at) => {
    expect(
      faultOf(() => {
        expect(bus.read(pa(at), 4, by)).toBe(0);
      }),
    ).toBe(Fault.Decode);
    expect(
      faultOf(() => {
        bus.write(pa(at), 4, 1, by);
      }),
    ).toBe(Fault.Decode);
    out.lo = out.hi = 9;
    expect(
      faultOf(() => {
        bus.read64(pa(at), out, by);
      }),
    ).toBe(Fault.Decode);
    expect(out).toEqual({ lo: 0, hi: 0 });
    expect(probe.log).toEqual([]);
  });

  test('ROM is read and refuses stores', () => {
    expect(faultOf(() => bus.read(pa(0x10), 4, by))).toBe(Fault.None);
    expect(
      faultOf(() => {
        bus.write(pa(0x10), 4, 5, by);
      }),
    ).toBe(Fault.Slave);
    expect(
      faultOf(() => {
        bus.write64(pa(0x10), 5, 5, by);
      }),
    ).toBe(Fault.Slave);
    expect(bus.read(pa(0x10), 4, by)).toBe(0);
  });
});

describe('memory for engines', () => {
  test('host offsets', () => {
    expect(bus.host(pa(0x4000_1234))).toBe(0x1_1234);
    expect(bus.host(pa(0x900_0000))).toBe(-1);
    expect(bus.host(pa(0x5000_0000))).toBe(-1);
    expect(bus.memoryAt(pa(0x4000_1234))).toEqual({ base: 0x4000_0000, memory: ram });
    expect(bus.memoryAt(pa(0x900_0000))).toBeUndefined();
  });

  test('stores that no engine made mark pages and are told', () => {
    const seen: string[] = [];
    const stop = bus.onForeignStore((at, bytes) => seen.push(`${at.toString(16)}+${bytes}`));
    expect(bus.load(pa(0x4000_0ffe), Uint8Array.of(1, 2, 3, 4))).toBe(true);
    expect([...ram.dirty]).toEqual([0b11]);
    bus.write(pa(0x4000_5000), 4, 1, by);
    expect([...ram.dirty]).toEqual([0b10_0011]);
    expect(seen).toEqual(['40000ffe+4', '40005000+4']);
    stop();
    bus.write(pa(0x4000_5000), 4, 1, by);
    expect(seen).toHaveLength(2);
    expect(bus.load(pa(0x4001_fffe), Uint8Array.of(1, 2, 3, 4))).toBe(false);
  });
});

describe('the map', () => {
  test.each([
    ['on top', 0x4000_0000, 0x1000],
    ['across the start', 0x3fff_f000, 0x2000],
    ['across the end', 0x4001_f000, 0x2000],
    ['around', 0x3000_0000, 0x2000_0000],
  ])('refuses what overlaps: %s', (_name, base, size) => {
    expect(() => bus.map({ name: 'new', base: pa(base), size, widths: [4] }, probe)).toThrow(
      /^new: .* overlaps ram/,
    );
  });

  test.each([
    ['no size', 0x1000_0000, 0],
    ['a size that is not whole', 0x1000_0000, 6.5],
    ['an odd base', 0x1000_0002, 0x100],
    ['beyond 52 bits', 2 ** 52 - 0x1000, 0x2000],
    ['no number', NaN, 0x1000],
    ['negative', -4096, 4096],
  ])('refuses %s', (_name, base, size) => {
    expect(() => bus.map({ name: 'new', base: pa(base), size, widths: [4] }, probe)).toThrow(
      ConfigurationError,
    );
  });

  test('a region that is taken out answers no more, and its place is free', () => {
    const other = new Probe();
    const remove = bus.map({ name: 'new', base: pa(0x1000_0000), size: 0x1000, widths: [4] }, other);
    bus.read(pa(0x1000_0000), 4, by);
    remove();
    expect(faultOf(() => bus.read(pa(0x1000_0000), 4, by))).toBe(Fault.Decode);
    bus.map({ name: 'newer', base: pa(0x1000_0000), size: 0x1000, widths: [4] }, probe);
    bus.read(pa(0x1000_0000), 4, by);
    expect([other.log.length, probe.log.length]).toEqual([1, 1]);
  });
});
