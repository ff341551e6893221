// What leads from one region to the next: `gate` finds the region of a PC, `enter` runs regions until something else is due.

import type { Costs } from '../emit/costs.ts';
import { Tables } from '../emit/frame.ts';
import { Fixed, Reason } from '../interpreter/reasons.ts';
import { Layout } from '../isa.ts';
import { Code } from '../wasm/code.ts';
import type { Fragment, Target } from '../wasm/code.ts';
import { encodeModule } from '../wasm/module.ts';
import type { FunctionType } from '../wasm/module.ts';
import { materialize, takeFlags } from './any-flags.ts';
import { HotArm } from './arm.ts';
import { COUNTER_BYTES, Counting } from './counters.ts';
import { Kind } from './flags.ts';
import { gateType, HotFrame, HotLayout, regionType, Status } from './frame.ts';

/** Elements of the table of regions, and most ways into them. */
export const MAX_ENTRIES = 0x1_0000;
/** Counters of PCs without a region. */
const HEAT_COUNTERS = 4096;
const ENTRY_BYTES = 8;
/** Where, after the tables, compiled code counts. */
const COUNTERS_AT: number = MAX_ENTRIES * ENTRY_BYTES + HEAT_COUNTERS * 4;
/** Bytes of the tables in memory: ways in (number of the region, second parameter), and counters of 32 bits. */
export const DISPATCH_BYTES: number = COUNTERS_AT + Math.ceil(COUNTER_BYTES / 64) * 64;
/** Byte offset of what compiled code counts. */
export const countersAt = (offset: number): number => offset + COUNTERS_AT;
/** `enter`: the interpreter goes on at the PC. */
export const GO_ON = -1;
/** How deep calls of regions nest unless told. */
const DEPTH = 96;

/** How regions are led to. */
export interface DispatchOptions {
  /** How often a PC is reached before `Status.Heat`. */
  readonly threshold: number;
  /** How deep calls of regions nest. */
  readonly depth?: number | undefined;
  /** False: regions do not lead to each other. */
  readonly chain?: boolean;
  /** Entries of the fetch TLB. */
  readonly tlbEntries?: number;
}

/** The type of `enter`: address of the CPU's block; `GO_ON` or a `Reason`. */
export const enterType: FunctionType = { parameters: ['i32'], results: ['i32'] };

/** Byte offset of a way in. */
export const entryAt = (offset: number, entry: number): number => offset + entry * ENTRY_BYTES;
/** Byte offset of the counter of a PC, by the address of its record. */
export const heatAt = (offset: number, record: number): number =>
  offset + MAX_ENTRIES * ENTRY_BYTES + ((record >>> 4) & (HEAT_COUNTERS - 1)) * 4;

/**
 * The module: imports memory, exports `gate`, `enter` and `table`.
 *
 * @param offset - where the tables lie, `DISPATCH_BYTES` bytes
 * @param counting - what is counted
 * @param costs - what instructions cost; 1 each unless given
 */
export function dispatcherModule(
  offset: number,
  options: DispatchOptions,
  counting: Counting = new Counting(),
  costs?: Costs,
): Uint8Array<ArrayBuffer> {
  const { depth = DEPTH, chain = true } = options;
  return encodeModule(
    [
      { name: chain ? 'gate' : 'chained', type: gateType, body: gate(offset, options, counting) },
      { name: 'enter', type: enterType, body: enter(depth, options, counting, costs) },
      ...(chain ? [] : [{ name: 'gate', type: gateType, body: unchained() }]),
    ],
    { types: [regionType], table: MAX_ENTRIES },
  );
}
/** Numbers in the module. */
const GATE = 0;

/** The gate of regions that never lead to the next: to `enter`, which goes on at the PC. */
function unchained(): Fragment {
  const code = new Code(undefined, gateType.parameters);
  storePc(code, 0, 2);
  code.i32(Status.Go);
  return code.finish();
}

/** Leaves the address of the decoded page of a PC in a local, or branches where the fetch TLB has none. */
function findPage(
  code: Code,
  base: number,
  pc: number,
  page: number,
  { missing, tlbEntries = Tables.fetchEntries }: { missing: Target; tlbEntries?: number | undefined },
): void {
  code.get(pc);
  code.op('i32_wrap_i64');
  code.i32(8);
  code.op('i32_shr_u');
  code.i32((tlbEntries - 1) * 16);
  code.op('i32_and');
  code.get(base);
  code.memory('i32_load', Layout.fetchTlb, true);
  code.op('i32_add');
  code.tee(page);
  code.memory('i64_load', 0, true);
  code.get(pc);
  code.i64(~0xffcn);
  code.ops('i64_and', 'i64_ne');
  code.brSeldom(missing);
  code.get(page);
  code.memory('i32_load', Tables.fetchPage, true);
  code.set(page);
}

function gate(
  offset: number,
  { threshold, chain = true, tlbEntries }: DispatchOptions,
  counting: Counting,
): Fragment {
  const code = new Code(undefined, gateType.parameters);
  const [base, depth, pc] = [0, 1, 2] as const;
  const page = code.fixedLocal('i32');
  const entry = code.fixedLocal('i32');
  const missing = code.block();
  findPage(code, base, pc, page, { missing, tlbEntries });
  code.get(page);
  code.get(pc);
  code.op('i32_wrap_i64');
  code.i32(1);
  code.op('i32_shr_u');
  code.i32(0x7fe);
  code.ops('i32_and', 'i32_add');
  code.memory('i32_load16_u', Tables.pageEntries, true);
  code.tee(entry);
  code.if();
  counting.emit(code, 'gate.found');
  code.get(entry);
  code.i32(3);
  code.op('i32_shl');
  code.set(entry);
  code.get(base);
  code.get(entry);
  code.memory('i32_load', offset + 4, true);
  code.get(depth);
  code.get(pc);
  code.get(entry);
  code.memory('i32_load', offset, true);
  // Types have the numbers of the functions; the regions' comes after those.
  code.returnCallIndirect(chain ? 2 : 3);
  code.end();
  counting.emit(code, 'gate.cold');
  // The address of the record, as `heatAt` has it.
  code.get(page);
  code.i32(4);
  code.op('i32_shr_u');
  code.get(pc);
  code.op('i32_wrap_i64');
  code.i32(2);
  code.op('i32_shr_u');
  code.i32(0x3ff);
  code.ops('i32_and', 'i32_add');
  code.i32(HEAT_COUNTERS - 1);
  code.op('i32_and');
  code.i32(2);
  code.op('i32_shl');
  code.tee(entry);
  code.get(entry);
  code.memory('i32_load', heatAt(offset, 0), true);
  code.i32(1);
  code.op('i32_add');
  code.tee(page);
  code.memory('i32_store', heatAt(offset, 0), true);
  storePc(code, base, pc);
  code.i32(Status.Heat);
  code.i32(Status.Interpret);
  code.get(page);
  code.i32(threshold);
  code.op('i32_eq');
  code.op('select');
  code.op('return');
  code.end();
  counting.emit(code, 'gate.page');
  storePc(code, base, pc);
  code.i32(Status.Interpret);
  return code.finish();
}

function storePc(code: Code, base: number, pc: number): void {
  code.get(base);
  code.get(pc);
  code.memory('i64_store', Layout.pc, true);
}

function enter(
  depth: number,
  { tlbEntries }: DispatchOptions,
  counting: Counting,
  costs: Costs | undefined,
): Fragment {
  const frame = new HotFrame(enterType, costs);
  const { code, base } = frame;
  const arm = new HotArm(frame);
  const status = code.fixedLocal('i32');
  const pc = code.fixedLocal('i64');
  const page = code.fixedLocal('i32');
  const result = code.fixedLocal('i64');
  counting.emit(code, 'enter');
  flagsIn(code, base);
  frame.takeRemaining();
  const again = code.loop();
  code.get(base);
  code.i32(depth);
  code.get(base);
  code.memory('i64_load', Layout.pc, true);
  code.call(GATE);
  code.tee(status);
  code.i32(Status.Go);
  code.op('i32_eq');
  code.brIf(again);
  code.end();
  countExecuted(frame);
  flagsOut(arm, frame, result);
  const other = code.block();
  code.get(status);
  code.i32(Status.Interpret);
  code.op('i32_ne');
  code.brIf(other);
  const unknown = code.block();
  code.get(base);
  code.memory('i64_load', Layout.pc, true);
  code.set(pc);
  findPage(code, base, pc, page, { missing: unknown, tlbEntries });
  // At a marked instruction the interpreter would come back at once.
  code.get(page);
  code.get(pc);
  code.op('i32_wrap_i64');
  code.i32(0xffc);
  code.op('i32_and');
  code.i32(2);
  code.ops('i32_shl', 'i32_add');
  code.memory('i32_load16_u', 0, true);
  code.i32(Fixed.hot);
  code.op('i32_ne');
  code.brIf(unknown);
  code.i32(Reason.Hot);
  code.op('return');
  code.end();
  code.i32(GO_ON);
  code.op('return');
  code.end();
  // The reasons are in the order of the statuses, but for one.
  code.get(status);
  code.i32(Reason.HotMissRead - Status.MissRead);
  code.op('i32_add');
  code.i32(Reason.Poll);
  code.get(status);
  code.i32(Status.Poll);
  code.ops('i32_ne', 'select');
  return code.finish();
}

/** NZCV in the form that regions leave it in. */
function flagsIn(code: Code, base: number): void {
  code.get(base);
  code.i32(Kind.nzcv);
  code.memory('i32_store', HotLayout.kind, true);
  code.get(base);
  code.get(base);
  code.memory('i64_load32_u', Layout.nzcv, true);
  code.i64(28n);
  code.op('i64_shr_u');
  code.memory('i64_store', HotLayout.a, true);
}

/** NZCV as it is outside of regions. */
function flagsOut(arm: HotArm, frame: HotFrame, result: number): void {
  const { code, base } = frame;
  takeFlags(code, base, frame);
  materialize(arm, frame, result);
  code.get(base);
  code.get(result);
  code.op('i32_wrap_i64');
  code.i32(28);
  code.op('i32_shl');
  code.memory('i32_store', Layout.nzcv, true);
}

/** The local `remaining` is what there was before. */
function countExecuted({ code, base, costs, remaining }: HotFrame): void {
  code.get(base);
  code.get(base);
  code.memory('i32_load', HotLayout.executed, true);
  code.get(remaining);
  if (costs === undefined) {
    code.op('i32_add');
    code.get(base);
    code.memory('i32_load', Layout.remaining, true);
    code.op('i32_sub');
  } else {
    code.get(base);
    code.memory('i64_load', Layout.remaining, true);
    code.op('i64_sub');
    code.i64(32n);
    code.ops('i64_shr_u', 'i32_wrap_i64', 'i32_add');
  }
  code.memory('i32_store', HotLayout.executed, true);
}
