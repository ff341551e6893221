// The virtual CPU interface's registers, GICV_*: to a guest they are GICC_* (IHI 0048B 5.5).

import { registerTable } from '@worldswitch/platform';
import type { Register, RegisterTable, Transaction } from '@worldswitch/platform';

import { interfaceIdentification } from './gicc.ts';
import { interfaceOf, merge } from './host.ts';
import type { Host } from './host.ts';
import type { CpuInterface, Gic } from './state.ts';
import {
  acknowledgeVirtual,
  deactivateByGuest,
  endVirtual,
  virtualAliasedBinaryPoint,
  virtualBinaryPoint,
  virtualMask,
  virtualPendingShown,
  virtualRunningPriority,
} from './virtual.ts';

/** A row for a part of GICH_VMCR. */
function partOfControl(
  description: Pick<Register<Host>, 'name' | 'offset' | 'about' | 'fields'>,
  read: (cpu: CpuInterface) => number,
  mask: number,
  place: (value: number) => number,
): Register<Host> {
  return {
    ...description,
    access: 'RW',
    read: (host, _, by) => read(interfaceOf(host, by)),
    write: (host, value, lanes, _, by) => {
      const cpu = interfaceOf(host, by);
      const placed = place(merge(read(cpu), value, lanes)) & mask;
      cpu.virtualControl = ((cpu.virtualControl & ~mask) | placed) >>> 0;
      host.update();
    },
  };
}

/** A read-only row. */
function shows(
  name: string,
  offset: number,
  about: string,
  read: (cpu: CpuInterface, host: Host) => number,
): Register<Host> {
  return { name, offset, access: 'RO', about, read: (host, _, by) => read(interfaceOf(host, by), host) };
}

/** A write-only row, which takes an interrupt's ID. */
function takes(
  name: string,
  offset: number,
  about: string,
  act: (gic: Gic, index: number, cpu: CpuInterface, value: number) => void,
): Register<Host> {
  return {
    name,
    offset,
    access: 'WO',
    about,
    read: () => 0,
    write: (host, value, _lanes, _word, by: Transaction) => {
      act(host.gic, by.requester, interfaceOf(host, by), value);
      host.update();
    },
  };
}

function take(cpu: CpuInterface, host: Host, alias: boolean): number {
  const id = acknowledgeVirtual(cpu, alias);
  host.update();
  return id;
}

const controlBits = 0x21f;

const rows: readonly Register<Host>[] = [
  partOfControl(
    {
      name: 'GICV_CTLR',
      offset: 0x00,
      about: 'enables groups; how to acknowledge and end',
      fields: {
        EnableGrp0: [0, 0],
        EnableGrp1: [1, 1],
        AckCtl: [2, 2],
        FIQEn: [3, 3],
        CBPR: [4, 4],
        EOImode: [9, 9],
      },
    },
    (cpu) => cpu.virtualControl & controlBits,
    controlBits,
    (value) => value,
  ),
  partOfControl(
    {
      name: 'GICV_PMR',
      offset: 0x04,
      about: 'only higher priorities are signalled',
      fields: { Priority: [7, 3] },
    },
    virtualMask,
    0xf800_0000,
    (value) => ((value >>> 3) & 0x1f) << 27,
  ),
  partOfControl(
    { name: 'GICV_BPR', offset: 0x08, about: 'where group priority ends', fields: { BinaryPoint: [2, 0] } },
    virtualBinaryPoint,
    7 << 21,
    (value) => Math.max(value & 7, 2) << 21,
  ),
  shows('GICV_IAR', 0x0c, 'acknowledges', (cpu, host) => take(cpu, host, false)),
  takes('GICV_EOIR', 0x10, 'ends an interrupt', endVirtual),
  shows('GICV_RPR', 0x14, 'the running priority', virtualRunningPriority),
  shows('GICV_HPPIR', 0x18, 'the highest priority pending interrupt', (cpu) =>
    virtualPendingShown(cpu, false),
  ),
  partOfControl(
    {
      name: 'GICV_ABPR',
      offset: 0x1c,
      about: 'the binary point of Group 1',
      fields: { BinaryPoint: [2, 0] },
    },
    virtualAliasedBinaryPoint,
    7 << 18,
    (value) => Math.max(value & 7, 3) << 18,
  ),
  shows('GICV_AIAR', 0x20, 'acknowledges Group 1', (cpu, host) => take(cpu, host, true)),
  takes('GICV_AEOIR', 0x24, 'ends an interrupt of Group 1', endVirtual),
  shows('GICV_AHPPIR', 0x28, 'the highest priority pending interrupt, if of Group 1', (cpu) =>
    virtualPendingShown(cpu, true),
  ),
  {
    name: 'GICV_APR',
    offset: 0xd0,
    access: 'RW',
    about: 'active priorities: GICH_APR',
    read: (host, _, by) => interfaceOf(host, by).virtualActivePriorities,
    write: (host, value, lanes, _, by) => {
      const cpu = interfaceOf(host, by);
      cpu.virtualActivePriorities = merge(cpu.virtualActivePriorities, value, lanes);
      host.update();
    },
  },
  shows('GICV_IIDR', 0xfc, 'identification of a GIC-400', () => interfaceIdentification),
  takes('GICV_DIR', 0x1000, 'deactivates an interrupt, where EOImode splits that off', deactivateByGuest),
];

/** The registers of the virtual CPU interface. */
export const gicv: RegisterTable<Host> = registerTable(rows);
