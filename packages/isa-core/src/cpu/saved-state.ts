// A CPU's state for snapshots: its block, what is beside it, and its TLB, whose entries decide when the next walk happens.

import { saveTlb, tlbCodec } from '@worldswitch/mmu';
import type { TlbShape, TlbState } from '@worldswitch/mmu';
import { bits, bytes, flag, record, StateError, stateCodec, uint } from '@worldswitch/platform';
import type { StateCodec } from '@worldswitch/platform';

import type { Cpu } from './cpu.ts';
import { Layout } from './layout.ts';

/** A saved CPU. */
// An interface would lack the index signature that plain data has.
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
export type CpuSavedState = {
  /** The block of `Layout`. Host offsets in it are relative to `memoryBase`. */
  readonly block: Uint8Array;
  readonly waiting: boolean;
  readonly waitingForEvent: boolean;
  readonly off: boolean;
  readonly event: boolean;
  readonly pins: number;
  /** RVBAR, 64 bits as two halves. */
  readonly resetLow: number;
  readonly resetHigh: number;
  readonly tlb: TlbState;
};

/** Saves a CPU. */
export function saveCpu(cpu: Cpu): CpuSavedState {
  return {
    block: cpu.state.bytes.slice(),
    waiting: cpu.waiting,
    waitingForEvent: cpu.waitingForEvent,
    off: cpu.off,
    event: cpu.event,
    pins: cpu.pinLevels,
    resetLow: Number(cpu.resetVector & 0xffff_ffffn),
    resetHigh: Number(cpu.resetVector >> 32n),
    tlb: saveTlb(cpu.tlb),
  };
}

/** Writes all but the TLB into a CPU. */
export function loadCpu(cpu: Cpu, saved: CpuSavedState): void {
  cpu.state.bytes.set(saved.block);
  cpu.waiting = saved.waiting;
  cpu.waitingForEvent = saved.waitingForEvent;
  cpu.off = saved.off;
  cpu.event = saved.event;
  cpu.pinLevels = saved.pins;
  cpu.resetVector = (BigInt(saved.resetHigh) << 32n) | BigInt(saved.resetLow);
}

/** Checks a CPU's state: sizes, and the fields that index something. */
export function cpuCodec(
  tlb: TlbShape = { sets: 512, ways: 4 },
  highestEl = 2,
  perCycle = 1,
): StateCodec<CpuSavedState> {
  const tlbState = tlbCodec(tlb);
  const shape = record<CpuSavedState>({
    block: bytes(Layout.size),
    waiting: flag,
    waitingForEvent: flag,
    off: flag,
    event: flag,
    pins: bits(31),
    resetLow: uint(0xffff_ffff),
    resetHigh: uint(0xffff_ffff),
    tlb: { check: (from, path) => tlbState.parse(from ?? null, path === '' ? 1 : tlbState.version) },
  });
  return stateCodec(2, {
    check(from, path) {
      const state = shape.check(from, path);
      if (state.off && !state.waiting)
        throw new StateError(`${path === '' ? '' : `${path}.`}waiting`, 'must be true of a CPU that is off');
      const view = new DataView(state.block.buffer, state.block.byteOffset);
      const limits: readonly (readonly [string, number, number])[] = [
        ['el', Layout.el, highestEl],
        ['sp', Layout.sp, 1],
        ['daif', Layout.daif, 15],
        ['pan', Layout.pan, 1],
        ['uao', Layout.uao, 1],
        ['il', Layout.il, 1],
        ['ss', Layout.ss, 1],
        ['stepped', Layout.stepped, 2],
        ['cycleDivider', Layout.cycleDivider, 63],
        ['cycleFraction', Layout.cycleFraction, perCycle - 1],
        ['exclusiveOpen', Layout.exclusiveOpen, 1],
        ['exclusiveBytes', Layout.exclusiveBytes, 16],
      ];
      for (const [name, at, most] of limits) {
        const value = view.getUint32(at, true);
        if (value > most)
          throw new StateError(
            `${path === '' ? '' : `${path}.`}block.${name}`,
            `must be at most ${most}, but is ${value}`,
          );
      }
      return state;
    },
  });
}
