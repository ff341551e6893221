// List registers of a GICv2: GICH, memory-mapped, each CPU's own (IHI 0048B 5.3).

import type { VirtualInterfaceV2 } from '@worldswitch/gic';
import type { CpuPort } from '@worldswitch/platform';

import { readRegister, writeRegister } from '../drivers/registers.ts';
import { ListState } from './list-registers.ts';
import type { ListEntry, ListRegisters } from './list-registers.ts';

const GICH_HCR = 0x00;
const GICH_VTR = 0x04;
const GICH_VMCR = 0x08;
const GICH_ELRSR = 0x30;
const GICH_APR = 0xf0;
const GICH_LR = 0x100;

/** GICH_LRn's fields. */
const noticeBit = 1 << 19;
const stateOf = (lr: number): number => (lr >>> 28) & 3;
const withState = (lr: number, state: number): number => ((lr & ~(3 << 28)) | (state << 28)) >>> 0;

function encode(entry: ListEntry): number {
  const low =
    entry.physical >= 0
      ? entry.physical << 10
      : (entry.notice ? noticeBit : 0) | (entry.id < 16 ? entry.source << 10 : 0);
  return (
    (entry.id |
      low |
      ((entry.priority >>> 3) << 23) |
      (entry.state << 28) |
      (entry.group1 ? 1 << 30 : 0) |
      (entry.physical >= 0 ? 1 << 31 : 0)) >>>
    0
  );
}

/** How many list registers the board's GICv2 has. */
export const listRegisterCountV2 = (port: CpuPort, gich: number): number =>
  (readRegister(port, gich + GICH_VTR) & 63) + 1;

/** The list registers at a physical address, for the vCPUs of a VM. */
export function gichListRegisters(gich: number, interfaces: readonly VirtualInterfaceV2[]): ListRegisters {
  const of = (vcpu: number): VirtualInterfaceV2 => {
    const found = interfaces[vcpu];
    if (found === undefined) throw new RangeError(`there is no vCPU ${vcpu}`);
    return found;
  };
  const put = (port: CpuPort, vcpu: number, index: number, lr: number): void => {
    of(vcpu).listRegisters[index] = lr;
    writeRegister(port, gich + GICH_LR + 4 * index, lr);
  };
  const was = (vcpu: number, index: number): number => of(vcpu).listRegisters[index] ?? 0;
  return {
    // Those beyond 32 are not used: their bitmaps have another word.
    count: Math.min(interfaces[0]?.listRegisters.length ?? 0, 32),
    control: { registers: 3, bytes: 12 },
    listBytes: 4,
    readFree: (port) => readRegister(port, gich + GICH_ELRSR),
    readState(port, vcpu, index) {
      const lr = readRegister(port, gich + GICH_LR + 4 * index);
      of(vcpu).listRegisters[index] = lr;
      return stateOf(lr);
    },
    ended(vcpu, index) {
      of(vcpu).listRegisters[index] = withState(was(vcpu, index), ListState.Free);
    },
    write(port, vcpu, index, entry) {
      const lr = encode(entry);
      if (was(vcpu, index) !== lr) put(port, vcpu, index, lr);
    },
    clear(port, vcpu, index) {
      const lr = was(vcpu, index);
      if (stateOf(lr) !== ListState.Free || (lr >>> 31 === 0 && (lr & noticeBit) !== 0))
        put(port, vcpu, index, 0);
    },
    takeEndCount(port) {
      const value = readRegister(port, gich + GICH_HCR);
      if (value >>> 27 !== 0) writeRegister(port, gich + GICH_HCR, value & 0x07ff_ffff);
      return value >>> 27;
    },
    setControl(port, vcpu, value) {
      const own = of(vcpu);
      if (own.hypervisorControl === value) return;
      own.hypervisorControl = value;
      writeRegister(port, gich + GICH_HCR, value);
    },
    readGroups(port, vcpu) {
      of(vcpu).virtualControl = readRegister(port, gich + GICH_VMCR);
      return of(vcpu).virtualControl & 3;
    },
    groups: (vcpu) => of(vcpu).virtualControl & 3,
    mask: (vcpu) => (of(vcpu).virtualControl >>> 27) << 3,
    load(port, vcpu) {
      writeRegister(port, gich + GICH_VMCR, of(vcpu).virtualControl);
      writeRegister(port, gich + GICH_APR, of(vcpu).virtualActivePriorities);
    },
    unload(port, vcpu) {
      const own = of(vcpu);
      own.virtualControl = readRegister(port, gich + GICH_VMCR);
      own.virtualActivePriorities = readRegister(port, gich + GICH_APR);
      own.hypervisorControl = 0;
      writeRegister(port, gich + GICH_HCR, 0);
    },
  };
}
