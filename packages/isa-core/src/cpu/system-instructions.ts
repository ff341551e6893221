// SYS: TLB maintenance, address translation and cache maintenance (DDI 0487 C5.4, C5.5).

import { Access, MmuFault, parFromResult, Regime, tlbiOperation } from '@worldswitch/mmu';

import type { Cpu } from './cpu.ts';
import { takeUndefined } from './exceptions.ts';
import type { Handled } from './handlers.ts';
import { systemId } from './sysregs/entry.ts';
import { el1OrTge, HCR } from './sysregs/traps.ts';

type Trapper = (cpu: Cpu, el: number, ec: number | undefined, id: number, read: boolean) => void;
type NotModelled = (cpu: Cpu, id: number, write: boolean) => void;

/** What an encoding of SYS is. */
interface Operation {
  readonly name: string;
  readonly minEl: number;
  /** Bit of HCR_EL2 that traps it from EL1 (and EL0). */
  readonly trap?: bigint;
  /** Bit of SCTLR_EL1 that EL0 needs. */
  readonly user?: bigint;
  /** UNDEFINED at EL3 too where EL2 is not enabled. */
  readonly onlyWithEl2?: true;
  readonly run: (cpu: Cpu, value: bigint) => void;
  /** TLB maintenance: the same with the halves of the value. */
  readonly maintain?: (cpu: Cpu, lo: number, hi: number) => void;
}

const operations = new Map<number, Operation>();
const define = (at: readonly [number, number, number, number], op: Operation): void => {
  operations.set(systemId(1, ...at), op);
};

// TLBI: op1, CRm and op2 by name; CRm 3 and 7 are Inner Shareable
const TLBI_EL1: readonly (readonly [string, number])[] = [
  ['VMALLE1', 0],
  ['VAE1', 1],
  ['ASIDE1', 2],
  ['VAAE1', 3],
  ['VALE1', 5],
  ['VAALE1', 7],
];
const TLBI_EL2: readonly (readonly [string, number])[] = [
  ['ALLE2', 0],
  ['VAE2', 1],
  ['ALLE1', 4],
  ['VALE2', 5],
  ['VMALLS12E1', 6],
];
const TLBI_EL3: readonly (readonly [string, number])[] = [
  ['ALLE3', 0],
  ['VAE3', 1],
  ['VALE3', 5],
];

function defineTlbi(name: string, op1: number, op2: number, crm: number, shared: boolean): void {
  const operation = tlbiOperation(name);
  if (operation === undefined) throw new Error(`TLBI ${name} is not modelled`);
  const maintain = (cpu: Cpu, lo: number, hi: number): void => {
    const broadcast = shared || (cpu.state.el === 1 && cpu.el2Enabled && (cpu.hcr & HCR.FB) !== 0n);
    cpu.counters.tlbMaintenance++;
    for (const target of broadcast ? cpu.peers : [cpu]) operation(target.tlb, cpu.controls, lo, hi);
  };
  define([op1, 8, crm, op2], {
    name: `TLBI ${name}${shared ? 'IS' : ''}`,
    minEl: op1 === 0 ? 1 : op1 === 4 ? 2 : 3,
    ...(op1 === 0 && { trap: HCR.TTLB }),
    ...(name.endsWith('E2') && { onlyWithEl2: true }),
    maintain,
    run: (cpu, value) => {
      maintain(cpu, Number(value & 0xffff_ffffn), Number(value >> 32n));
    },
  });
}
for (const [crm, shared] of [
  [3, true],
  [7, false],
] as const) {
  for (const [name, op2] of TLBI_EL1) defineTlbi(name, 0, op2, crm, shared);
  for (const [name, op2] of TLBI_EL2) defineTlbi(name, 4, op2, crm, shared);
  for (const [name, op2] of TLBI_EL3) defineTlbi(name, 6, op2, crm, shared);
}
for (const [crm, shared] of [
  [0, true],
  [4, false],
] as const) {
  defineTlbi('IPAS2E1', 4, 1, crm, shared);
  defineTlbi('IPAS2LE1', 4, 5, crm, shared);
}

/** AT: stage 1 alone or both, of a regime, as EL0 or privileged. An External abort on a table walk is taken as an exception. */
function defineAt(
  name: string,
  op1: number,
  op2: number,
  how: { regime: Regime; write: boolean; user: boolean; both: boolean },
): void {
  define([op1, 7, 8, op2], {
    name: `AT ${name}`,
    minEl: op1 === 0 ? 1 : op1 === 4 ? 2 : 3,
    ...(how.regime === Regime.EL2 && { onlyWithEl2: true }),
    run: (cpu, value) => {
      const { request, answer } = cpu.translator;
      cpu.translator.prepare(value, how.regime, how.write ? Access.Write : Access.Read, how.user);
      request.stage1Only = !how.both;
      request.noUpdate = true;
      request.pan = false;
      cpu.translator.walk(request, answer);
      request.stage1Only = false;
      request.noUpdate = false;
      const { word } = cpu.translator;
      // So is a stage 2 fault on stage 1's tables below EL2 (DDI 0487 J1.1, AArch64.AT()).
      const onTables = answer.fault !== MmuFault.None && answer.stage === 2 && !how.both;
      if (answer.fault === MmuFault.ExternalAbort || (onTables && cpu.state.el < 2)) {
        cpu.translator.raiseTableFault(value);
        return;
      }
      parFromResult(answer, word);
      cpu.setRegister('PAR_EL1', (BigInt(word.hi) << 32n) | BigInt(word.lo));
    },
  });
}
const el10 = { regime: Regime.EL10, both: false } as const;
defineAt('S1E1R', 0, 0, { ...el10, write: false, user: false });
defineAt('S1E1W', 0, 1, { ...el10, write: true, user: false });
defineAt('S1E0R', 0, 2, { ...el10, write: false, user: true });
defineAt('S1E0W', 0, 3, { ...el10, write: true, user: true });
defineAt('S1E2R', 4, 0, { regime: Regime.EL2, both: false, write: false, user: false });
defineAt('S1E2W', 4, 1, { regime: Regime.EL2, both: false, write: true, user: false });
defineAt('S12E1R', 4, 4, { regime: Regime.EL10, both: true, write: false, user: false });
defineAt('S12E1W', 4, 5, { regime: Regime.EL10, both: true, write: true, user: false });
defineAt('S12E0R', 4, 6, { regime: Regime.EL10, both: true, write: false, user: true });
defineAt('S12E0W', 4, 7, { regime: Regime.EL10, both: true, write: true, user: true });
defineAt('S1E3R', 6, 0, { regime: Regime.EL3, both: false, write: false, user: false });
defineAt('S1E3W', 6, 1, { regime: Regime.EL3, both: false, write: true, user: false });

// Caches: coherent, so only traps and translation faults remain. DZE, UCI and UCT are bits of SCTLR_EL1.
const DZE = 1n << 14n;
const UCI = 1n << 26n;
const nothing = (): void => undefined;
const byAddress =
  (as: 'read' | 'write' | 'fetch') =>
  (cpu: Cpu, value: bigint): void => {
    cpu.cacheOp(value, as);
  };
define([0, 7, 1, 0], { name: 'IC IALLUIS', minEl: 1, trap: HCR.TPU, run: nothing });
define([0, 7, 5, 0], { name: 'IC IALLU', minEl: 1, trap: HCR.TPU, run: nothing });
define([3, 7, 5, 1], { name: 'IC IVAU', minEl: 0, trap: HCR.TPU, user: UCI, run: byAddress('fetch') });
define([0, 7, 6, 1], { name: 'DC IVAC', minEl: 1, trap: HCR.TPC, run: byAddress('write') });
define([0, 7, 6, 2], { name: 'DC ISW', minEl: 1, trap: HCR.TSW, run: nothing });
define([0, 7, 10, 2], { name: 'DC CSW', minEl: 1, trap: HCR.TSW, run: nothing });
define([0, 7, 14, 2], { name: 'DC CISW', minEl: 1, trap: HCR.TSW, run: nothing });
define([3, 7, 10, 1], { name: 'DC CVAC', minEl: 0, trap: HCR.TPC, user: UCI, run: byAddress('read') });
define([3, 7, 11, 1], { name: 'DC CVAU', minEl: 0, trap: HCR.TPU, user: UCI, run: byAddress('read') });
define([3, 7, 14, 1], { name: 'DC CIVAC', minEl: 0, trap: HCR.TPC, user: UCI, run: byAddress('read') });
define([3, 7, 4, 1], {
  name: 'DC ZVA',
  minEl: 0,
  trap: HCR.TDZ,
  user: DZE,
  run: (cpu, value) => {
    cpu.zeroBlock(value);
  },
});

/** Runs the SYS instruction `id` (op0 is 1) with the value of Xt. */
export function systemInstruction(
  cpu: Cpu,
  id: number,
  value: bigint,
  trap: Trapper,
  notModelled: NotModelled,
): Handled {
  const op = operations.get(id);
  const { el } = cpu.state;
  if (op === undefined) {
    notModelled(cpu, id, true);
    return 'jumped';
  }
  if (el < op.minEl || (op.onlyWithEl2 === true && !cpu.el2Enabled)) {
    takeUndefined(cpu);
    return 'jumped';
  }
  if (el === 0 && op.user !== undefined && (cpu.register('SCTLR_EL1') & op.user) === 0n) {
    trap(cpu, el1OrTge(cpu).el, undefined, id, false);
    return 'jumped';
  }
  if (el < 2 && op.trap !== undefined && cpu.el2Enabled && (cpu.hcr & op.trap) !== 0n) {
    trap(cpu, 2, undefined, id, false);
    return 'jumped';
  }
  op.run(cpu, value);
  return 'next';
}

/** Does TLB maintenance that nothing can trap at the current level. False, with nothing done, for anything else. */
export function tlbMaintenance(cpu: Cpu, id: number, lo: number, hi: number): boolean {
  const op = operations.get(id);
  const { el } = cpu.state;
  if (op?.maintain === undefined || el < op.minEl || op.onlyWithEl2 === true) return false;
  if (el < 2 && op.trap !== undefined && cpu.el2Enabled && (cpu.hcr & op.trap) !== 0n) return false;
  op.maintain(cpu, lo, hi);
  return true;
}

/** The name of a SYS encoding, for disassembly and reports; undefined where there is none. */
export const systemInstructionName = (id: number): string | undefined => operations.get(id)?.name;

/** All system instructions, by name and lowest exception level. */
export const systemInstructions: readonly { readonly name: string; readonly minEl: number }[] = [
  ...operations.values(),
];

const byName = new Map<string, number>(Array.from(operations, ([id, { name }]) => [name, id]));

/** The encoding of a system instruction by its name, as `systemId` has it; undefined where there is none. */
export const systemInstructionId = (name: string): number | undefined => byName.get(name);
