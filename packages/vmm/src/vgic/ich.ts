// List registers of a GICv3: ICH system registers (IHI 0069 12.4).

import type { VirtualInterfaceV3 } from '@worldswitch/gic';
import type { CpuPort, SystemRegister, Word64 } from '@worldswitch/platform';

import { systemRegister } from '../names.ts';
import { ListState } from './list-registers.ts';
import type { ListEntry, ListRegisters } from './list-registers.ts';

const ICH_HCR_EL2 = systemRegister('ICH_HCR_EL2');
const ICH_VTR_EL2 = systemRegister('ICH_VTR_EL2');
const ICH_VMCR_EL2 = systemRegister('ICH_VMCR_EL2');
const ICH_ELRSR_EL2 = systemRegister('ICH_ELRSR_EL2');
const ICH_AP0R0_EL2 = systemRegister('ICH_AP0R0_EL2');
const ICH_AP1R0_EL2 = systemRegister('ICH_AP1R0_EL2');
const ICH_LR = Array.from({ length: 16 }, (_, n) => systemRegister(`ICH_LR${n}_EL2`));

/** ICH_HCR_EL2.TDIR: the guest's writes of ICC_DIR_EL1 are exits. */
const TDIR = 1 << 14;

/** ICH_LRn_EL2's fields, of its upper half. */
const noticeBit = 1 << 9;
const hardwareBit = 1 << 29;
const stateOf = (high: number): number => high >>> 30;
const withState = (high: number, state: number): number => ((high & 0x3fff_ffff) | (state << 30)) >>> 0;

const encode = (entry: ListEntry): number =>
  ((entry.physical >= 0 ? entry.physical | hardwareBit : entry.notice ? noticeBit : 0) |
    ((entry.priority & 0xf8) << 16) |
    (entry.group1 ? 1 << 28 : 0) |
    (entry.state << 30)) >>>
  0;

/** How many list registers the board's GICv3 has. */
export function listRegisterCountV3(port: CpuPort): number {
  const word: Word64 = { lo: 0, hi: 0 };
  port.readSystem(ICH_VTR_EL2, word);
  return (word.lo & 31) + 1;
}

/** The list registers of the CPU, for the vCPUs of a VM. */
export function ichListRegisters(interfaces: readonly VirtualInterfaceV3[]): ListRegisters {
  const word: Word64 = { lo: 0, hi: 0 };
  const of = (vcpu: number): VirtualInterfaceV3 => {
    const found = interfaces[vcpu];
    if (found === undefined) throw new RangeError(`there is no vCPU ${vcpu}`);
    return found;
  };
  const read = (port: CpuPort, register: SystemRegister): number => {
    port.readSystem(register, word);
    return word.lo;
  };
  const register = (index: number): SystemRegister => {
    const found = ICH_LR[index];
    if (found === undefined) throw new RangeError(`there is no list register ${index}`);
    return found;
  };
  const put = (port: CpuPort, vcpu: number, index: number, lo: number, hi: number): void => {
    const own = of(vcpu);
    own.listLow[index] = lo;
    own.listHigh[index] = hi;
    port.writeSystem(register(index), lo, hi);
  };
  const high = (vcpu: number, index: number): number => of(vcpu).listHigh[index] ?? 0;
  return {
    count: Math.min(interfaces[0]?.listHigh.length ?? 0, 16),
    control: { registers: 4, bytes: 32 },
    listBytes: 8,
    readFree: (port) => read(port, ICH_ELRSR_EL2),
    readState(port, vcpu, index) {
      port.readSystem(register(index), word);
      of(vcpu).listHigh[index] = word.hi;
      return stateOf(word.hi);
    },
    ended(vcpu, index) {
      of(vcpu).listHigh[index] = withState(high(vcpu, index), ListState.Free);
    },
    write(port, vcpu, index, entry) {
      const hi = encode(entry);
      if (high(vcpu, index) !== hi || of(vcpu).listLow[index] !== entry.id)
        put(port, vcpu, index, entry.id, hi);
    },
    clear(port, vcpu, index) {
      const hi = high(vcpu, index);
      const asks = (hi & hardwareBit) === 0 && (hi & noticeBit) !== 0;
      if (stateOf(hi) !== ListState.Free || asks) put(port, vcpu, index, 0, 0);
    },
    takeEndCount(port) {
      const value = read(port, ICH_HCR_EL2);
      if (value >>> 27 !== 0) port.writeSystem(ICH_HCR_EL2, value & 0x07ff_ffff, 0);
      return value >>> 27;
    },
    setControl(port, vcpu, value, split) {
      const own = of(vcpu);
      const wanted = split ? value | TDIR : value;
      if (own.hypervisorControl === wanted) return;
      own.hypervisorControl = wanted;
      port.writeSystem(ICH_HCR_EL2, wanted, 0);
    },
    readGroups(port, vcpu) {
      of(vcpu).virtualControl = read(port, ICH_VMCR_EL2);
      return of(vcpu).virtualControl & 3;
    },
    groups: (vcpu) => of(vcpu).virtualControl & 3,
    mask: (vcpu) => of(vcpu).virtualControl >>> 24,
    load(port, vcpu) {
      const own = of(vcpu);
      port.writeSystem(ICH_VMCR_EL2, own.virtualControl, 0);
      port.writeSystem(ICH_AP0R0_EL2, own.virtualActivePriorities[0] ?? 0, 0);
      port.writeSystem(ICH_AP1R0_EL2, own.virtualActivePriorities[1] ?? 0, 0);
    },
    unload(port, vcpu) {
      const own = of(vcpu);
      own.virtualControl = read(port, ICH_VMCR_EL2);
      own.virtualActivePriorities[0] = read(port, ICH_AP0R0_EL2);
      own.virtualActivePriorities[1] = read(port, ICH_AP1R0_EL2);
      own.hypervisorControl = 0;
      port.writeSystem(ICH_HCR_EL2, 0, 0);
    },
  };
}
