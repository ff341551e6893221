// The counters of what TypeScript does for one CPU's loop: names and meanings. Off, and zero, unless asked for, but for
// `keptCounters` and `reasonCounters`, which cost nothing.

import { cases, classOf, decode } from '../isa.ts';
import { Reason } from './reasons.ts';

/** Counts that are always kept. */
export const keptCounters = [
  ['entries', 'the loop was entered'],
  ['decoded', 'blocks that were decoded'],
  ['fetchMisses', 'pages that were entered into the fetch TLB, or could not be'],
  ['dataMisses', 'pages that were entered into the fast TLB, or could not be'],
  ['steps', 'instructions that the reference engine executed'],
  ['compiled', 'instructions that compiled code executed'],
  ['samples', 'looks at the PC to see where time is spent'],
  ['marks', 'regions that could not be entered where the interpreter came to them'],
  ['interrupts', 'interrupts that were taken'],
] as const;

/** What WebAssembly came back to TypeScript for, by the numbers of `Reason`. Together they are `crossings`. */
export const reasonCounters = [
  ['left.budget', 'the budget, or the time to the next event, was used up'],
  ['left.decode', 'an instruction was not decoded yet'],
  ['left.fetch', 'the page of the PC was not in the fetch TLB'],
  ['left.miss.read', 'the page of a load was not in the fast TLB, or the load is on two pages'],
  ['left.miss.write', 'the same of a store'],
  ['left.miss.read.unprivileged', 'the same of LDTR'],
  ['left.miss.write.unprivileged', 'the same of STTR'],
  ['left.step', 'the reference engine had to execute an instruction'],
  ['left.poll', 'interrupts were unmasked, and one may be pending'],
  ['left.other', 'an instruction belongs to a loop of seldom ones, or to the loop of all others'],
  ['left.hot', 'a region that begins at the PC could not be entered'],
  ['left.heat', 'compiled code came to a PC without a region often enough to compile it'],
  ['left.hot.miss.read', 'compiled code was left for a load whose page is not in the fast TLB'],
  ['left.hot.miss.write', 'the same of a store'],
] as const;

/** What an engine does from slice to slice. */
export const runCounters = [
  ['crossings', 'calls of WebAssembly: each comes back for one of the reasons `left`'],
  ['crossings.seldom', 'calls of a loop of seldom instructions, of these'],
  ['slices', 'times that the machine let the engine run'],
  ['slices.budget', 'slices that ended with their budget'],
  ['slices.wait', 'slices that ended in a wait for an interrupt or an event'],
  ['slices.stopped', 'slices that were stopped before the end of their budget'],
  ['cut.budget', 'entries of the loop with all that was left of the slice'],
  ['cut.event', 'entries of the loop that a deadline of the CPU cut short'],
  ['cut.sample', 'entries of the loop that the next look at the PC cut short'],
  ['events', 'deadlines of the CPU that came within a slice'],
  ['polls.masked', 'interrupts that were pending and masked when they were looked at'],
  ['interrupts.el1', 'interrupts taken to EL1'],
  ['interrupts.el2', 'interrupts taken to EL2'],
  ['interrupts.el3', 'interrupts taken to EL3'],
  ['stores.complete', 'stores of the reference engine, which may be to code'],
  ['stores.foreign', 'pages of memory that somebody else than the CPU changed'],
  ['modules', 'loops of the interpreter that were made'],
  ['modules.bytes', 'bytes of WebAssembly in them'],
] as const;

/** Why the reference engine executed an instruction. Together they are `steps`. */
export const stepCounters = [
  ['step.asked', 'stepped: the loop has no code for the instruction, or not for what it does now'],
  ['step.watchful', 'stepped: software step is on, or the state is an illegal one'],
  ['step.fetch', 'stepped: a fetch that faults, or from a page that the fast path may not use'],
  ['step.read', 'stepped: a load that the fast path does not do'],
  ['step.write', 'stepped: a store that the fast path does not do'],
  ['step.unprivileged', 'stepped: the same of LDTR and STTR'],
  ['step.displaced', 'stepped: the page of its access took the place of the page that it was fetched from'],
] as const;

/** What instructions the reference engine executed. Together they are `steps`. */
export const slowCounters = [
  ['slow.mrs', 'stepped: MRS'],
  ['slow.msr', 'stepped: MSR of a register'],
  ['slow.pstate', 'stepped: MSR of a field of PSTATE'],
  ['slow.tlbi', 'stepped: TLBI'],
  ['slow.ic', 'stepped: IC'],
  ['slow.dc', 'stepped: DC'],
  ['slow.at', 'stepped: AT'],
  ['slow.wait', 'stepped: WFI, WFE'],
  ['slow.hint', 'stepped: other hints, and barriers'],
  ['slow.svc', 'stepped: SVC'],
  ['slow.hvc', 'stepped: HVC'],
  ['slow.smc', 'stepped: SMC'],
  ['slow.debug', 'stepped: BRK, HLT, DCPS'],
  ['slow.eret', 'stepped: ERET'],
  ['slow.load', 'stepped: loads'],
  ['slow.store', 'stepped: stores'],
  ['slow.exclusive', 'stepped: exclusive loads and stores'],
  ['slow.compute', 'stepped: instructions on registers'],
  ['slow.undefined', 'stepped: words that are no instruction'],
  ['slow.unfetched', 'stepped: without the instruction having been fetched before'],
] as const;

/** Why an access is not entered into the fast TLB. With the pages that are entered they are `refills`. */
export const refillCounters = [
  ['refills', 'accesses whose page was not in the fast TLB'],
  ['refused.present', 'not entered: it is there, but the access is on two pages or is not aligned'],
  ['refused.code', 'not entered: the store is to a line with code, beside which stores are done'],
  ['refused.checked', 'not entered: accesses are checked for alignment, or big-endian'],
  ['refused.watched', 'not entered: a watchpoint is on the page'],
  ['refused.fault', 'not entered: the translation faults'],
  ['refused.device', 'not entered: memory of a device type'],
  ['refused.nowhere', 'not entered: there is no memory'],
  ['refused.rights', 'not entered: the context has no right to the access'],
] as const;

/** A counter that a `Tally` of an engine has. */
export type EngineCounter =
  | (typeof runCounters)[number][0]
  | (typeof stepCounters)[number][0]
  | (typeof slowCounters)[number][0]
  | (typeof refillCounters)[number][0];
/** All of them. */
export const engineCounters: readonly (readonly [EngineCounter, string])[] = [
  ...runCounters,
  ...stepCounters,
  ...slowCounters,
  ...refillCounters,
];

/** The counter of an interrupt that was taken to an exception level. */
export const interruptTo = (el: number): EngineCounter =>
  el === 3 ? 'interrupts.el3' : el === 2 ? 'interrupts.el2' : 'interrupts.el1';

const stepCauses: readonly EngineCounter[] = Array.from({ length: reasonCounters.length }, (_, reason) => {
  if (reason === Reason.Decode || reason === Reason.Fetch) return 'step.fetch';
  if (reason === Reason.MissRead || reason === Reason.HotMissRead) return 'step.read';
  if (reason === Reason.MissWrite || reason === Reason.HotMissWrite) return 'step.write';
  if (reason === Reason.MissUnprivilegedRead || reason === Reason.MissUnprivilegedWrite)
    return 'step.unprivileged';
  return 'step.asked';
});
/** The counter of an instruction that is stepped after the loop was left for a reason. */
export const stepCause = (reason: number): EngineCounter => stepCauses[reason] ?? 'step.asked';

/** Branches, exceptions and system instructions (DDI 0487 C4.1.3): mask, value. The first that fits. */
const systemWords: readonly (readonly [number, number, EngineCounter])[] = [
  [0xffe0_001f, 0xd400_0001, 'slow.svc'],
  [0xffe0_001f, 0xd400_0002, 'slow.hvc'],
  [0xffe0_001f, 0xd400_0003, 'slow.smc'],
  [0xff00_0000, 0xd400_0000, 'slow.debug'],
  [0xffff_ffff, 0xd69f_03e0, 'slow.eret'],
  [0xffff_ffdf, 0xd503_205f, 'slow.wait'],
  [0xffff_f01f, 0xd503_201f, 'slow.hint'],
  [0xffff_f01f, 0xd503_301f, 'slow.hint'],
  [0xfff8_f01f, 0xd500_401f, 'slow.pstate'],
  // SYS: by CRn and CRm.
  [0xfff8_f000, 0xd508_8000, 'slow.tlbi'],
  [0xfff8_ff00, 0xd508_7800, 'slow.at'],
  [0xfff8_fb00, 0xd508_7100, 'slow.ic'],
  [0xfff8_f000, 0xd508_7000, 'slow.dc'],
  [0xfff0_0000, 0xd530_0000, 'slow.mrs'],
  [0xfff0_0000, 0xd510_0000, 'slow.msr'],
];

const classCounters: Readonly<Partial<Record<string, EngineCounter>>> = {
  load: 'slow.load',
  store: 'slow.store',
  atomic: 'slow.exclusive',
  // UDF: all branches are done by the loop.
  branch: 'slow.undefined',
};

/** The counter of what kind of instruction is stepped; undefined for one that was not fetched. */
export function slowKind(word: number | undefined): EngineCounter {
  if (word === undefined) return 'slow.unfetched';
  const found = systemWords.find(([mask, value]) => (word & mask) >>> 0 === value);
  if (found !== undefined) return found[2];
  const entry = cases[decode(word)?.caseId ?? -1];
  return entry === undefined ? 'slow.undefined' : (classCounters[classOf(entry)] ?? 'slow.compute');
}
