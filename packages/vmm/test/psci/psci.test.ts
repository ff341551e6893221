// A VM's PSCI over the caller's registers.

import { describe, expect, it } from 'vitest';

import { vcpuOfAffinity, virtualPsci } from '../../src/index.ts';
import type { PsciVm } from '../../src/index.ts';
import { FakePort } from '../fake-port.ts';

const on = [true, false];
function vm(): PsciVm & { readonly log: string[] } {
  const log: string[] = [];
  return {
    log,
    cpuOf: (affinity) => vcpuOfAffinity(affinity, 2),
    isOn: (vcpu) => on[vcpu] ?? false,
    start: (vcpu, entry, context) => log.push(`start ${vcpu} 0x${entry.toString(16)} ${context}`),
    stop: (vcpu) => log.push(`stop ${vcpu}`),
    suspend: (vcpu) => log.push(`suspend ${vcpu}`),
    powerOff: () => log.push('off'),
    reset: () => log.push('reset'),
  };
}

function call(...args: readonly bigint[]): { handled: boolean; x0: bigint; log: readonly string[] } {
  const port = new FakePort();
  args.forEach((value, n) => (port.x[n] = value));
  const machine = vm();
  const handled = virtualPsci(port, machine, 0);
  return { handled, x0: BigInt.asIntN(64, port.x[0] ?? 0n), log: machine.log };
}

describe('PSCI', () => {
  it('says its version, its features and that nothing migrates', () => {
    expect(call(0x8400_0000n).x0).toBe(0x1_0001n);
    expect(call(0x8400_000an, 0xc400_0003n).x0).toBe(0n);
    expect(call(0x8400_000an, 0x8400_0005n).x0).toBe(-1n);
    expect(call(0x8400_0006n).x0).toBe(2n);
  });

  it('starts a vCPU, with 64 bits by the 64-bit call alone', () => {
    expect(call(0xc400_0003n, 1n, 0x1_4000_0000n, 7n)).toMatchObject({
      x0: 0n,
      log: ['start 1 0x140000000 7'],
    });
    expect(call(0x8400_0003n, 1n, 0x1_4000_0000n, 7n).log).toEqual(['start 1 0x40000000 7']);
    expect(call(0xc400_0003n, 0n, 0n, 0n)).toMatchObject({ x0: -4n, log: [] });
    expect(call(0xc400_0003n, 2n, 0n, 0n)).toMatchObject({ x0: -2n, log: [] });
  });

  it('tells which are on', () => {
    expect(call(0xc400_0004n, 0n).x0).toBe(0n);
    expect(call(0xc400_0004n, 1n).x0).toBe(1n);
    expect(call(0xc400_0004n, 9n).x0).toBe(-2n);
  });

  it('stops, suspends, switches off and resets', () => {
    expect(call(0x8400_0002n).log).toEqual(['stop 0']);
    expect(call(0xc400_0001n, 0n)).toMatchObject({ x0: 0n, log: ['suspend 0'] });
    expect(call(0x8400_0008n).log).toEqual(['off']);
    expect(call(0x8400_0009n).log).toEqual(['reset']);
  });

  it('refuses functions that it has not, and leaves other calls alone', () => {
    expect(call(0x8400_001fn)).toMatchObject({ handled: true, x0: -1n });
    expect(call(0x8600_0000n)).toMatchObject({ handled: false, x0: 0x8600_0000n });
    expect(call(0x4b00_0000n)).toMatchObject({ handled: false });
  });
});
