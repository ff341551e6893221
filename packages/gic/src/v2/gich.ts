// The virtual interface control registers, GICH_*, for a hypervisor (IHI 0048B 5.3).

import { registerTable } from '@worldswitch/platform';
import type { Register, RegisterTable } from '@worldswitch/platform';

import { interfaceOf, merge } from './host.ts';
import type { Host } from './host.ts';
import type { CpuInterface } from './state.ts';
import { endedWithNotice, isFree, listRegisterWord, maintenanceStatus } from './virtual.ts';

/** A row for a register that is one of the CPU interface's fields. */
function plain(
  description: Pick<Register<Host>, 'name' | 'offset' | 'about' | 'fields'>,
  of: 'hypervisorControl' | 'virtualControl' | 'virtualActivePriorities',
  kept: (written: number) => number,
): Register<Host> {
  return {
    ...description,
    access: 'RW',
    read: (host, _, by) => interfaceOf(host, by)[of],
    write: (host, value, lanes, _, by) => {
      const cpu = interfaceOf(host, by);
      cpu[of] = kept(merge(cpu[of], value, lanes)) >>> 0;
      host.update();
    },
  };
}

/** GICH_VMCR as written: the binary points are at least what leaves five bits of group priority. */
function writtenControl(written: number): number {
  const binaryPoint = Math.max((written >>> 21) & 7, 2);
  const aliasedBinaryPoint = Math.max((written >>> 18) & 7, 3);
  return (written & 0xf800_021f) | (binaryPoint << 21) | (aliasedBinaryPoint << 18);
}

/** A row for two words of a bitmap over list registers. */
const bitmapOf = (
  name: string,
  offset: number,
  about: string,
  holds: (lr: number) => boolean,
): Register<Host> => ({
  name,
  offset,
  words: 2,
  access: 'RO',
  about,
  read: (host, word, by) => listRegisterWord(interfaceOf(host, by), word, holds),
});

/** Fields of GICH_LRn that exist: all but bits 22:20. */
const listRegisterMask = 0xff8f_ffff;

const listRegister = (cpu: CpuInterface, word: number): number => cpu.listRegisters[word] ?? 0;

const rows: readonly Register<Host>[] = [
  plain(
    {
      name: 'GICH_HCR',
      offset: 0x00,
      about: 'enables the virtual interface and its maintenance interrupts',
      fields: {
        En: [0, 0],
        UIE: [1, 1],
        LRENPIE: [2, 2],
        NPIE: [3, 3],
        VGrp0EIE: [4, 4],
        VGrp0DIE: [5, 5],
        VGrp1EIE: [6, 6],
        VGrp1DIE: [7, 7],
        EOICount: [31, 27],
      },
    },
    'hypervisorControl',
    (written) => written & 0xf800_00ff,
  ),
  {
    name: 'GICH_VTR',
    offset: 0x04,
    access: 'RO',
    about: 'five bits of priority and of preemption, and how many list registers',
    fields: { ListRegs: [5, 0], PREbits: [28, 26], PRIbits: [31, 29] },
    read: ({ gic }) => (4 << 29) | (4 << 26) | (gic.is.listRegisters - 1),
  },
  plain(
    {
      name: 'GICH_VMCR',
      offset: 0x08,
      about: 'the virtual CPU interface, as its guest sees it',
      fields: {
        VMGrp0En: [0, 0],
        VMGrp1En: [1, 1],
        VMAckCtl: [2, 2],
        VMFIQEn: [3, 3],
        VMCBPR: [4, 4],
        VEM: [9, 9],
        VMABP: [20, 18],
        VMBP: [23, 21],
        VMPriMask: [31, 27],
      },
    },
    'virtualControl',
    writtenControl,
  ),
  {
    name: 'GICH_MISR',
    offset: 0x10,
    access: 'RO',
    about: 'why there is a maintenance interrupt',
    fields: {
      EOI: [0, 0],
      U: [1, 1],
      LRENP: [2, 2],
      NP: [3, 3],
      VGrp0E: [4, 4],
      VGrp0D: [5, 5],
      VGrp1E: [6, 6],
      VGrp1D: [7, 7],
    },
    read: (host, _, by) => maintenanceStatus(interfaceOf(host, by)),
  },
  bitmapOf('GICH_EISR', 0x20, 'list registers that ended with a notice', endedWithNotice),
  bitmapOf('GICH_ELRSR', 0x30, 'list registers that are free', isFree),
  plain(
    { name: 'GICH_APR', offset: 0xf0, about: 'active virtual priorities' },
    'virtualActivePriorities',
    (written) => written,
  ),
  {
    name: 'GICH_LR',
    offset: 0x100,
    words: 64,
    access: 'RW',
    about: 'list registers',
    fields: {
      VirtualID: [9, 0],
      PhysicalID: [19, 10],
      Priority: [27, 23],
      State: [29, 28],
      Grp1: [30, 30],
      HW: [31, 31],
    },
    read: (host, word, by) => listRegister(interfaceOf(host, by), word),
    write: (host, value, lanes, word, by) => {
      const cpu = interfaceOf(host, by);
      if (word >= cpu.listRegisters.length) return;
      cpu.listRegisters[word] = merge(listRegister(cpu, word), value, lanes) & listRegisterMask;
      host.update();
    },
  },
];

/** The registers of the virtual interface control block. */
export const gich: RegisterTable<Host> = registerTable(rows);
