// The virtual CPU interface's system registers: ICV_*, which a guest reaches as ICC_*, and ICH_*, the hypervisor's (IHI 0069 12.3,
// 12.4). ICV registers have no encoding of their own: the CPU chooses between them and ICC registers.

import { interfaceFeatures } from './icc.ts';
import type { Context, SystemRegister } from './icc.ts';
import { hypervisorControlBits, listHighBits, listLowBits, virtualControlBits } from './saved-state.ts';
import { priorityBits } from './state.ts';
import {
  acknowledgeVirtual,
  deactivateByGuest,
  endedWithNotice,
  endVirtual,
  isFree,
  listRegisters,
  maintenanceStatus,
  virtualBinaryPoint0,
  virtualBinaryPoint1,
  VirtualControl,
  virtualMask,
  virtualPending,
  virtualRunningPriority,
  withMinima,
} from './virtual.ts';

/** Changes bits of ICH_VMCR_EL2. */
function setControl({ cpu }: Context, mask: number, value: number): void {
  cpu.virtualControl = withMinima((cpu.virtualControl & ~mask) | (value & mask));
}

/** ICH_APnR0_EL2, under either name. */
const activePriorities = (name: string, group: 0 | 1): SystemRegister => ({
  name,
  read: ({ cpu }) => cpu.virtualActivePriorities[group] ?? 0,
  write: ({ cpu }, lo) => {
    cpu.virtualActivePriorities[group] = lo;
  },
});

const perGroup = (n: 0 | 1): readonly SystemRegister[] => {
  const group1 = n === 1;
  const enable = group1 ? VirtualControl.VENG1 : VirtualControl.VENG0;
  return [
    { name: `ICV_IAR${n}_EL1`, acknowledges: true, read: ({ cpu }) => acknowledgeVirtual(cpu, group1) },
    {
      name: `ICV_EOIR${n}_EL1`,
      write: ({ gic, index, cpu }, lo) => {
        endVirtual(gic, index, cpu, lo, group1);
      },
    },
    { name: `ICV_HPPIR${n}_EL1`, read: ({ cpu }) => virtualPending(cpu, group1) },
    activePriorities(`ICV_AP${n}R0_EL1`, n),
    activePriorities(`ICH_AP${n}R0_EL2`, n),
    {
      name: `ICV_IGRPEN${n}_EL1`,
      read: ({ cpu }) => ((cpu.virtualControl & enable) !== 0 ? 1 : 0),
      write: (on, lo) => {
        setControl(on, enable, lo << n);
      },
    },
  ];
};

/** VCBPR makes ICV_BPR1_EL1 one more than ICV_BPR0_EL1, and read-only. */
const binaryPoint1: SystemRegister = {
  name: 'ICV_BPR1_EL1',
  read: ({ cpu }) =>
    (cpu.virtualControl & VirtualControl.VCBPR) !== 0
      ? Math.min(virtualBinaryPoint0(cpu) + 1, 7)
      : virtualBinaryPoint1(cpu),
  write: (on, lo) => {
    if ((on.cpu.virtualControl & VirtualControl.VCBPR) === 0) setControl(on, 7 << 18, lo << 18);
  },
};

/** ICV_CTLR_EL1: CBPR and EOImode are ICH_VMCR_EL2's. */
const control: SystemRegister = {
  name: 'ICV_CTLR_EL1',
  read: ({ cpu }) =>
    ((cpu.virtualControl & VirtualControl.VCBPR) !== 0 ? 1 : 0) |
    ((cpu.virtualControl & VirtualControl.VEOIM) !== 0 ? 2 : 0) |
    interfaceFeatures,
  write: (on, lo) => {
    setControl(on, VirtualControl.VCBPR | VirtualControl.VEOIM, ((lo & 1) << 4) | ((lo & 2) << 8));
  },
};

const icv: readonly SystemRegister[] = [
  ...perGroup(0),
  ...perGroup(1),
  {
    name: 'ICV_BPR0_EL1',
    read: ({ cpu }) => virtualBinaryPoint0(cpu),
    write: (on, lo) => {
      setControl(on, 7 << 21, lo << 21);
    },
  },
  binaryPoint1,
  {
    name: 'ICV_PMR_EL1',
    read: ({ cpu }) => virtualMask(cpu),
    write: (on, lo) => {
      setControl(on, 0xff00_0000, (lo & priorityBits) << 24);
    },
  },
  { name: 'ICV_RPR_EL1', read: ({ cpu }) => virtualRunningPriority(cpu) },
  {
    name: 'ICV_DIR_EL1',
    write: ({ gic, index, cpu }, lo) => {
      deactivateByGuest(gic, index, cpu, lo);
    },
  },
  control,
];

const ich: readonly SystemRegister[] = [
  {
    name: 'ICH_HCR_EL2',
    read: ({ cpu }) => cpu.hypervisorControl,
    write: ({ cpu }, lo) => {
      cpu.hypervisorControl = (lo & hypervisorControlBits) >>> 0;
    },
  },
  {
    // Five bits of priority and preemption, 16 of ID; A3V; no direct injection (nV4); ICH_HCR_EL2.TDIR is there (TDS).
    name: 'ICH_VTR_EL2',
    read: ({ gic }) => (4 << 29) | (4 << 26) | (1 << 21) | (1 << 20) | (1 << 19) | (gic.is.listRegisters - 1),
  },
  { name: 'ICH_MISR_EL2', read: ({ cpu }) => maintenanceStatus(cpu) },
  { name: 'ICH_EISR_EL2', read: ({ cpu }) => listRegisters(cpu, endedWithNotice) },
  { name: 'ICH_ELRSR_EL2', read: ({ cpu }) => listRegisters(cpu, isFree) },
  {
    name: 'ICH_VMCR_EL2',
    read: ({ cpu }) => cpu.virtualControl,
    write: ({ cpu }, lo) => {
      cpu.virtualControl = withMinima(lo & virtualControlBits);
    },
  },
];

const listRegister = (n: number): SystemRegister => ({
  name: `ICH_LR${n}_EL2`,
  read: ({ cpu }) => cpu.listLow[n] ?? 0,
  readHigh: ({ cpu }) => cpu.listHigh[n] ?? 0,
  write: ({ cpu }, lo, hi) => {
    cpu.listLow[n] = lo & listLowBits;
    cpu.listHigh[n] = hi & listHighBits;
  },
});

/** All of them, with as many list registers as there are. */
export const virtualRegisters = (count: number): readonly SystemRegister[] => [
  ...icv,
  ...ich,
  ...Array.from({ length: count }, (_, n) => listRegister(n)),
];
