// The interpreter's loop: one function that dispatches on the records of a decoded page until something is not its own.

import type { Costs } from '../emit/costs.ts';
import { flagsOf, nibble } from '../emit/flags.ts';
import { Frame, pushExhausted, Tables } from '../emit/frame.ts';
import { InterpreterArm } from '../emit/interpreter-arm.ts';
import { Code } from '../wasm/code.ts';
import type { Fragment, Piece, Target } from '../wasm/code.ts';
import { Fixed, Reason } from './reasons.ts';

/** Opens the blocks that arms leave to, and sets the frame's targets. `closeLoop` is the counterpart. */
function openLoop(frame: Frame, code: Code): Outside {
  const leave = code.block();
  const here = code.block();
  const budget = code.block();
  const abort = code.block();
  frame.poll = code.block();
  frame.missUnprivilegedWrite = code.block();
  frame.missUnprivilegedRead = code.block();
  frame.missWrite = code.block();
  frame.missRead = code.block();
  frame.step = code.block();
  frame.fetch = code.loop();
  return { leave, here, budget, abort };
}

/** Where the code around the arms leaves to. */
interface Outside {
  /** With the PC and the reason in locals. */
  readonly leave: Target;
  /** With the current record's instruction not executed and not counted. */
  readonly here: Target;
  /** The same, because there is nothing left to count. */
  readonly budget: Target;
  /** The same as `here`, after the instruction was counted. */
  readonly abort: Target;
}

/** A frame whose code is ready for arms: they are written as pieces, and every function of the frame takes its own. */
export function createFrame(
  base: number,
  fuses = false,
  tlbEntries: number = Tables.dataEntries,
  costs?: Costs,
): Frame {
  const frame = new Frame(base, costs);
  frame.fuses = fuses;
  frame.tlbEntries = tlbEntries;
  openLoop(frame, frame.code);
  frame.next = frame.code.loop();
  return frame;
}

/**
 * The body of a loop over `arms`. The record of arm `i` has the number `first + i`; any other number leaves with
 * `Reason.Other`. The first loop has the fixed numbers too.
 */
export function loopFunction(frame: Frame, first: number, arms: readonly Piece[]): Fragment {
  const code = new Code(frame.code);
  const inside = frame.withCode(code);
  enter(inside);
  const outside = openLoop(inside, code);
  lookUpPage(inside, outside);
  inside.next = code.loop();
  dispatch(inside, outside, first, arms);
  code.end();
  code.end();
  code.op('unreachable');
  closeBlocks(inside, outside);
  // Arms leave to few places; laid out by what is seldom, the loop was slower.
  return { ...code.finish(), seldom: [] };
}

/** Takes the state that lives in locals from memory. */
function enter(f: Frame): void {
  const { code } = f;
  f.takeRemaining();
  f.loadWord('tlb');
  code.set(f.tlb);
  code.i32(0);
  code.memory('i64_load', f.at('pc'), true);
  code.set(f.pc);
  const arm = new InterpreterArm(f);
  const bits = arm.node('i64', [], () => {
    code.i32(0);
    code.memory('i64_load32_u', f.at('nzcv'), true);
  });
  const shifted = arm.integer('shr_u', bits, arm.constant('i64', 28n));
  shifted.uses = 2;
  const flags = flagsOf(arm, shifted);
  for (const [node, local] of [
    [flags.n, f.n],
    [flags.z, f.z],
    [flags.c, f.c],
    [flags.v, f.v],
  ] as const) {
    arm.push(node);
    code.set(local);
  }
}

/** Finds the decoded page of `pc`, and the record before its first instruction. */
function lookUpPage(f: Frame, outside: Outside): void {
  const { code } = f;
  const entry = code.fixedLocal('i32');
  code.get(f.pc);
  code.op('i32_wrap_i64');
  code.i32(8);
  code.op('i32_shr_u');
  code.i32((f.tlbEntries - 1) * 16);
  code.op('i32_and');
  f.loadWord('fetchTlb');
  code.op('i32_add');
  code.tee(entry);
  code.memory('i64_load', 0, true);
  // A misaligned PC matches no tag.
  code.get(f.pc);
  code.i64(~0xffcn);
  code.op('i64_and');
  code.tee(f.pageVa);
  code.op('i64_ne');
  code.if();
  code.i32(Reason.Fetch);
  code.set(f.why);
  code.br(outside.leave);
  code.end();
  code.get(entry);
  code.memory('i32_load', Tables.fetchPage, true);
  code.tee(f.page);
  code.get(f.pc);
  code.op('i32_wrap_i64');
  code.i32(0xffc);
  code.op('i32_and');
  code.i32(2);
  code.ops('i32_shl', 'i32_add');
  code.i32(16);
  code.op('i32_sub');
  code.set(f.record);
}

/** Goes to the next record's arm. */
function dispatch(f: Frame, outside: Outside, first: number, arms: readonly Piece[]): void {
  const { code } = f;
  const fixed = first === 0 ? Fixed.first : 0;
  code.get(f.record);
  code.i32(16);
  code.op('i32_add');
  code.set(f.record);
  pushExhausted(f);
  code.brIf(outside.budget);
  f.spend(1, 0);
  const otherwise = code.block();
  const blocks: Target[] = [];
  for (let i = 0; i < arms.length + fixed; i++) blocks.unshift(code.block());
  code.get(f.record);
  code.memory('i32_load16_u', 0, true);
  if (first > 0) {
    code.i32(first);
    code.op('i32_sub');
  }
  code.brTable(blocks, otherwise);
  for (let i = 0; i < arms.length + fixed; i++) {
    code.end();
    const piece = arms[i - fixed];
    if (i < fixed) fixedArm(f, outside, i);
    else if (piece !== undefined) code.appendPiece(piece, blocks.length - i);
  }
  code.end();
  code.i32(0);
  code.get(f.record);
  code.memory('i32_load16_u', 0, true);
  code.memory('i32_store', f.at('exitInfo'), true);
  code.i32(Reason.Other);
  code.set(f.why);
  code.br(outside.abort);
}

/** The arms that every page needs. */
function fixedArm(f: Frame, outside: Outside, number: number): void {
  const { code } = f;
  if (number === Fixed.step) {
    code.br(f.step);
    return;
  }
  if (number === Fixed.decode || number === Fixed.hot) {
    code.i32(number === Fixed.hot ? Reason.Hot : Reason.Decode);
    code.set(f.why);
    code.br(outside.abort);
    return;
  }
  // The end of a page is no instruction.
  f.spend(-1, 0);
  code.get(f.pageVa);
  code.i64(4096n);
  code.op('i64_add');
  code.set(f.pc);
  code.br(f.fetch);
}

/** What follows the loop: each way out with its reason, and the state's way back to memory. */
function closeBlocks(f: Frame, outside: Outside): void {
  const { code } = f;
  const reasons = [
    Reason.Step,
    Reason.MissRead,
    Reason.MissWrite,
    Reason.MissUnprivilegedRead,
    Reason.MissUnprivilegedWrite,
  ];
  for (const reason of reasons) {
    code.end();
    code.i32(reason);
    code.set(f.why);
    code.br(outside.abort);
  }
  code.end();
  code.get(f.record);
  code.i32(16);
  code.op('i32_add');
  code.set(f.record);
  code.i32(Reason.Poll);
  code.set(f.why);
  code.br(outside.here);
  code.end();
  f.spend(-1, 0);
  code.br(outside.here);
  code.end();
  code.i32(Reason.Budget);
  code.set(f.why);
  code.end();
  code.get(f.pageVa);
  code.get(f.record);
  code.get(f.page);
  code.op('i32_sub');
  code.i32(2);
  code.ops('i32_shr_u', 'i64_extend_i32_u', 'i64_add');
  code.set(f.pc);
  code.end();
  leave(f);
}

/** Puts the state that lives in locals back. */
function leave(f: Frame): void {
  const { code } = f;
  const arm = new InterpreterArm(f);
  const flags = {
    n: arm.frameLocal('i64', f.n),
    z: arm.frameLocal('i64', f.z),
    c: arm.frameLocal('i32', f.c),
    v: arm.frameLocal('i64', f.v),
  };
  code.i32(0);
  arm.push(arm.integer('shl', nibble(arm, flags), arm.constant('i32', 28n)));
  code.memory('i32_store', f.at('nzcv'), true);
  f.putRemaining();
  code.i32(0);
  code.get(f.pc);
  code.memory('i64_store', f.at('pc'), true);
  code.i32(0);
  code.get(f.va);
  code.memory('i64_store', f.at('exitVa'), true);
  code.get(f.why);
}
