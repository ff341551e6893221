// Emulated accesses: by the syndrome, and by the instruction.

import { describe, expect, it } from 'vitest';

import { ConfigurationError } from '@worldswitch/machine';
import { ipa, StateError } from '@worldswitch/platform';

import { mmioShape, VmBus } from '../../src/mmio/index.ts';
import { RAM } from '../fake-port.ts';
import { ByteDevice, CODE, DEVICE, FakeGuest } from './fake-guest.ts';

/** ISV, SAS, SSE, SRT, SF. */
const syndrome = (size: number, register: number, how: { signed?: boolean; wide?: boolean } = {}): number =>
  (1 << 24) |
  (size << 22) |
  (how.signed === true ? 1 << 21 : 0) |
  (register << 16) |
  (how.wide === true ? 1 << 15 : 0);

/** The device's bytes from `offset` as a number. */
function bytesAt(guest: FakeGuest, offset: number, size: number): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(guest.device.bytes[offset + i] ?? 0);
  return value;
}

describe('with a syndrome', () => {
  it.each([
    [0, false, false],
    [0, true, false],
    [0, true, true],
    [1, false, false],
    [1, true, false],
    [1, true, true],
    [2, false, false],
    [2, true, true],
    [3, false, true],
  ])('a load of size %i, signed %s, to X %s', (size, signed, wide) => {
    for (const offset of [0x10, 0x18]) {
      const guest = new FakeGuest();
      guest.port.x[5] = 0xdead_dead_dead_deadn;
      expect(guest.run(DEVICE + offset, false, syndrome(size, 5, { signed, wide }))).toBe('done');
      const raw = bytesAt(guest, offset, 1 << size);
      const bits = 8 << size;
      const extended = signed ? BigInt.asIntN(bits, raw) : raw;
      expect(guest.port.x[5]).toBe(BigInt.asUintN(wide ? 64 : 32, extended));
      expect(guest.port.get('ELR_EL2')).toBe(BigInt(CODE + 4));
      // The guest's memory is never read.
      expect(guest.loads).toBe(0);
    }
  });

  it.each([0, 1, 2, 3])('a store of size %i', (size) => {
    const guest = new FakeGuest();
    guest.port.x[7] = 0x8877_6655_4433_2211n;
    const before = guest.device.bytes.slice();
    expect(guest.run(DEVICE + 0x20, true, syndrome(size, 7))).toBe('done');
    const bytes = 1 << size;
    expect(bytesAt(guest, 0x20, bytes)).toBe(BigInt.asUintN(8 * bytes, 0x8877_6655_4433_2211n));
    expect(guest.device.bytes[0x20 + bytes]).toBe(before[0x20 + bytes]);
    expect(guest.loads).toBe(0);
  });

  it('of the zero register', () => {
    const guest = new FakeGuest();
    expect(guest.run(DEVICE, true, syndrome(2, 31))).toBe('done');
    expect(bytesAt(guest, 0, 4)).toBe(0n);
    expect(guest.run(DEVICE + 4, false, syndrome(2, 31))).toBe('done');
    expect(guest.device.log).toEqual(['write4 0', 'read4 4']);
  });

  it('is split where a device has no accesses of 64 bits, and where it is unaligned', () => {
    const guest = new FakeGuest();
    guest.run(DEVICE + 8, false, syndrome(3, 0, { wide: true }));
    guest.run(DEVICE + 0x11, false, syndrome(2, 1));
    expect(guest.device.log).toEqual(['read4 8', 'read4 c', 'read1 11', 'read2 12', 'read1 14']);
    expect(guest.port.x[1]).toBe(bytesAt(guest, 0x11, 4));
  });

  it('is big-endian where the guest is', () => {
    const guest = new FakeGuest();
    guest.port.put('SCTLR_EL1', 1 << 25);
    guest.run(DEVICE, false, syndrome(1, 0));
    const [first = 0, second = 0] = guest.device.bytes;
    expect(guest.port.x[0]).toBe(BigInt(first * 256 + second));
    guest.port.x[1] = 0x0102_0304_0506_0708n;
    guest.run(DEVICE + 8, true, syndrome(3, 1, { wide: true }));
    expect([...guest.device.bytes.subarray(8, 16)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    // At EL0 E0E counts, which is clear.
    guest.port.put('SPSR_EL2', 0);
    guest.run(DEVICE, false, syndrome(1, 0));
    expect(guest.port.x[0]).toBe(BigInt(second * 256 + first));
  });

  it('is an external abort where no device is, or where it takes no such width', () => {
    const guest = new FakeGuest([4]);
    expect(guest.run(0x0a00_0000, false, syndrome(2, 0))).toBe('aborted');
    expect(guest.port.get('ESR_EL1')).toBe(0x9600_0010n);
    guest.port.put('SPSR_EL2', 0);
    guest.port.put('ELR_EL2', CODE);
    expect(guest.run(DEVICE + 1, true, syndrome(0, 0))).toBe('aborted');
    expect(guest.port.get('ESR_EL1')).toBe(0x9200_0050n);
    expect(guest.port.get('FAR_EL1')).toBe(BigInt(DEVICE + 1));
    expect(guest.device.log).toEqual([]);
  });

  it('of cache maintenance does nothing', () => {
    const guest = new FakeGuest();
    expect(guest.run(DEVICE, true, 1 << 8)).toBe('done');
    expect(guest.device.log).toEqual([]);
    expect(guest.port.get('ELR_EL2')).toBe(BigInt(CODE + 4));
  });

  it('says who accesses', () => {
    const guest = new FakeGuest();
    guest.port.put('SPSR_EL2', 0);
    guest.run(DEVICE, true, syndrome(2, 0));
    expect(guest.device.log).toEqual(['write4 0 user']);
  });
});

describe('without a syndrome', () => {
  it('loads a pair, with write-back', () => {
    const guest = new FakeGuest();
    guest.code('ldp w3, w4, [x9], #8');
    guest.port.x[9] = BigInt(DEVICE + 0x40);
    expect(guest.run(DEVICE + 0x40, false)).toBe('done');
    expect([guest.port.x[3], guest.port.x[4]]).toEqual([bytesAt(guest, 0x40, 4), bytesAt(guest, 0x44, 4)]);
    expect(guest.port.x[9]).toBe(BigInt(DEVICE + 0x48));
    expect(guest.port.get('ELR_EL2')).toBe(BigInt(CODE + 4));
    expect(guest.loads).toBe(1);
    expect(guest.port.get('PAR_EL1')).toBe(0x1234n);
  });

  it('stores a pair to the stack pointer, pre-indexed', () => {
    const guest = new FakeGuest();
    guest.code('stp x1, xzr, [sp, #-16]!');
    guest.port.x[1] = 0x1122_3344_5566_7788n;
    guest.port.put('SP_EL1', DEVICE + 0x80);
    expect(guest.run(DEVICE + 0x70, true)).toBe('done');
    expect(bytesAt(guest, 0x70, 8)).toBe(0x1122_3344_5566_7788n);
    expect(bytesAt(guest, 0x78, 8)).toBe(0n);
    expect(guest.port.get('SP_EL1')).toBe(BigInt(DEVICE + 0x70));
    expect(guest.port.written('SP_EL0')).toEqual([]);
  });

  it('moves vectors, whole and in structures', () => {
    const guest = new FakeGuest();
    guest.port.x[2] = BigInt(DEVICE + 0x100);
    guest.code('ldr q6, [x2, #16]');
    expect(guest.run(DEVICE + 0x110, false)).toBe('done');
    expect(guest.port.v[24]).toBe(Number(bytesAt(guest, 0x110, 4)));
    expect(guest.port.v[27]).toBe(Number(bytesAt(guest, 0x11c, 4)));
    guest.port.v.set([0x0403_0201, 0x0807_0605], 28);
    guest.port.v.set([0x1413_1211, 0x1817_1615], 32);
    guest.code('st2 {v7.8b, v8.8b}, [x2], #16');
    expect(guest.run(DEVICE + 0x100, true)).toBe('done');
    expect([...guest.device.bytes.subarray(0x100, 0x108)]).toEqual([1, 0x11, 2, 0x12, 3, 0x13, 4, 0x14]);
    expect(guest.port.x[2]).toBe(BigInt(DEVICE + 0x110));
  });

  it('has exclusives that load and never succeed in storing', () => {
    const guest = new FakeGuest();
    guest.port.x[2] = BigInt(DEVICE + 8);
    guest.code('ldxr w1, [x2]');
    expect(guest.run(DEVICE + 8, false)).toBe('done');
    expect(guest.port.x[1]).toBe(bytesAt(guest, 8, 4));
    guest.code('stxr w5, w1, [x2]');
    expect(guest.run(DEVICE + 8, true)).toBe('done');
    expect(guest.port.x[5]).toBe(1n);
    expect(guest.device.log).toEqual(['read4 8']);
  });

  it('is big-endian where the guest is: each element', () => {
    const guest = new FakeGuest();
    guest.port.put('SCTLR_EL1', 1 << 25);
    guest.code('stp w1, w2, [x3]');
    guest.port.x.set([0n, 0x0102_0304n, 0x0506_0708n, BigInt(DEVICE)]);
    expect(guest.run(DEVICE, true)).toBe('done');
    expect([...guest.device.bytes.subarray(0, 8)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('goes on in memory where an access leaves the device', () => {
    const guest = new FakeGuest();
    guest.bus.map(
      { name: 'last', base: ipa(RAM - 0x1000), size: 0x1000, widths: [1, 2, 4] },
      new ByteDevice(),
    );
    guest.code('stp x1, x2, [x3]');
    guest.port.x.set([0n, 0x1111n, 0x2222n, BigInt(RAM - 8)]);
    expect(guest.run(RAM - 8, true)).toBe('done');
    expect(guest.port.peek64(RAM)).toBe(0x2222n);
    // Where stage 1 has nothing, the guest takes its own fault, and registers stay.
    guest.unmapped.add(RAM / 4096);
    guest.port.put('ELR_EL2', CODE);
    guest.unmapped.delete(CODE / 4096);
    guest.code('ldp x1, x2, [x3], #16');
    expect(guest.run(RAM - 8, false)).toBe('aborted');
    expect(guest.port.get('FAR_EL1')).toBe(BigInt(RAM));
    expect(guest.port.get('ESR_EL1')).toBe(0x9600_0007n);
    expect(guest.port.x[1]).toBe(0x1111n);
    expect(guest.port.x[3]).toBe(BigInt(RAM - 8));
    expect(guest.port.get('PAR_EL1')).toBe(0x1234n);
  });

  it('is an abort without an effect on registers where the device refuses', () => {
    const guest = new FakeGuest([4]);
    guest.code('ldrb w1, [x2], #1');
    guest.port.x[2] = BigInt(DEVICE);
    expect(guest.run(DEVICE, false)).toBe('aborted');
    expect(guest.port.x[2]).toBe(BigInt(DEVICE));
    expect(guest.port.get('ESR_EL1')).toBe(0x9600_0010n);
  });
});

describe('a guest that rewrites the instruction in between', () => {
  const other = (text: string, what = 'retry'): void => {
    const guest = new FakeGuest();
    guest.port.x[2] = BigInt(DEVICE + 8);
    guest.port.x[3] = 0x55n;
    guest.code(text);
    expect(guest.run(DEVICE + 8, true)).toBe(what);
    if (what === 'done') return;
    expect(guest.device.log).toEqual([]);
    expect(guest.port.get('ELR_EL2')).toBe(BigInt(CODE));
    expect(guest.port.get('ESR_EL1')).toBe(0n);
    expect(guest.port.x[2]).toBe(BigInt(DEVICE + 8));
    expect(guest.port.x[3]).toBe(0x55n);
  };

  it.each([
    'stp x3, x4, [x2, #16]',
    'ldp x3, x4, [x2]',
    'add x3, x3, x2',
    'here: b here',
    'svc #1',
    'mrs x3, midr_el1',
    'nop',
    '.word 0',
    'str q0, [x3]',
  ])('tries again: %s', (text) => {
    other(text);
  });

  it('does not where it is the instruction that aborted', () => {
    other('stp x3, x4, [x2]', 'done');
  });

  it('tries again where the instruction is gone, and gives up in the end', () => {
    const guest = new FakeGuest();
    guest.unmapped.add(CODE / 4096);
    const ends = Array.from({ length: 17 }, () => guest.run(DEVICE, false));
    expect(ends.slice(0, 16)).toEqual(new Array(16).fill('retry'));
    expect(ends[16]).toBe('aborted');
    expect(guest.emulator.save()).toEqual([0, 0]);
    guest.run(DEVICE, false);
    expect(guest.emulator.save()).toEqual([1, 0]);
    expect(mmioShape.check(guest.emulator.save(), 'mmio')).toEqual([1, 0]);
    expect(() => mmioShape.check([99], 'mmio')).toThrow(StateError);
  });
});

describe('the VM’s bus', () => {
  it('refuses devices that overlap, or lie nowhere', () => {
    const bus = new VmBus();
    const place = (name: string, base: number, size: number): void => {
      bus.map({ name, base: ipa(base), size, widths: [4] }, new ByteDevice());
    };
    place('one', 0x1000, 0x1000);
    expect(() => {
      place('two', 0x1ffc, 8);
    }).toThrow(new ConfigurationError('two', '0x1ffc to 0x2003 overlaps one, which ends at 0x1fff'));
    expect(() => {
      place('three', 0x3002, 4);
    }).toThrow(ConfigurationError);
    expect(bus.deviceAt(ipa(0x1fff))).toBe('one');
    expect(bus.deviceAt(ipa(0x2000))).toBeUndefined();
  });
});
