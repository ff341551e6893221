// Branches, exceptions and handlers.

import type { Imm, Label } from '../isa.ts';
import { constantOperand } from './arm.ts';
import { Tables } from './frame.ts';
import { immediate } from './integers.ts';
import type { InterpreterArm } from './interpreter-arm.ts';
import type { Node } from './node.ts';
import { asSymbol } from './symbol.ts';

/** The interface's methods about control, on nodes. */
export interface ControlPart {
  pc(plus: Label): Node;
  pcPage(pages: Imm): Node;
  jump(to: Label): void;
  jumpIf(c: Node, to: Label): void;
  jumpTo(va: Node, how: 'jump' | 'call' | 'return'): void;
  call(to: Label): void;
  raise(): void;
  raiseIf(c: Node): void;
  handler(): void;
  handlerResult(): void;
  handlerIf(c: Node): void;
  handlerResultIf(c: Node): void;
}

/** The address of the current instruction. */
function currentPc(arm: InterpreterArm): Node {
  const { code, frame } = arm;
  return arm.once('pc', () =>
    arm.node('i64', [], () => {
      code.get(frame.pageVa);
      pushOffset(arm);
      code.op('i64_add');
    }),
  );
}

/** Pushes the offset of the current instruction in its page: a record is four times an instruction. */
function pushOffset(arm: InterpreterArm): void {
  const { code, frame } = arm;
  code.get(frame.record);
  code.get(frame.page);
  code.op('i32_sub');
  code.i32(2);
  code.ops('i32_shr_u', 'i64_extend_i32_u');
}

/** Branches by a label: without a look-up inside the page. */
function branch(arm: InterpreterArm, to: Label): void {
  const { code, frame } = arm;
  const target = code.freshLocal('i32');
  code.get(frame.record);
  code.get(frame.page);
  code.op('i32_sub');
  const known = constantOperand(to);
  if (known !== undefined) code.i32(known.value * 4);
  else arm.slot(asSymbol(to).at, 'i32_load');
  code.op('i32_add');
  code.tee(target);
  code.i32(Tables.pageRecords * 16);
  code.op('i32_lt_u');
  code.if();
  code.get(frame.page);
  code.get(target);
  code.op('i32_add');
  code.i32(16);
  code.op('i32_sub');
  code.set(frame.record);
  code.br(frame.next);
  code.end();
  code.get(frame.pageVa);
  code.get(target);
  code.i32(2);
  code.ops('i32_shr_s', 'i64_extend_i32_s', 'i64_add');
  code.set(frame.pc);
  code.br(frame.fetch);
}

/** The methods. */
export function controlPart(arm: InterpreterArm): ControlPart {
  const { code, frame } = arm;
  const useBranch = (to: Label): void => {
    if (constantOperand(to) !== undefined) return;
    const s = asSymbol(to);
    s.read = s.branch = true;
  };
  const link = (): void => {
    arm.write(
      () => {
        code.i32(0);
      },
      arm.integer('add', currentPc(arm), arm.constant('i64', 4n)),
      () => {
        code.memory('i64_store', frame.at('x') + 30 * 8, true);
      },
    );
  };
  const step = (): void => {
    arm.leaves = true;
  };
  const stepIf = (c: Node): void => {
    arm.stepIf(c);
  };
  return {
    pc: (plus) => arm.integer('add', currentPc(arm), immediate(arm, 'i64', plus as unknown as Imm)),
    pcPage: (pages) =>
      arm.integer(
        'add',
        arm.frameLocal('i64', frame.pageVa),
        arm.integer('shl', immediate(arm, 'i64', pages), arm.constant('i64', 12n)),
      ),
    jump(to) {
      useBranch(to);
      arm.end([], () => {
        branch(arm, to);
      });
    },
    jumpIf(c, to) {
      useBranch(to);
      arm.end([c], () => {
        arm.push(c);
        code.if();
        branch(arm, to);
        code.end();
      });
    },
    jumpTo(va, how) {
      if (how === 'call') link();
      // BranchAddr() removes tags: a target that has one is the reference engine's.
      const eight = arm.constant('i64', 8n);
      const canonical = arm.integer('shr_s', arm.integer('shl', va, eight), eight);
      arm.stepIf(arm.binary('i64_ne', 'i32', canonical, va));
      arm.end([va], () => {
        arm.push(va);
        code.set(frame.pc);
        code.br(frame.fetch);
      });
    },
    call(to) {
      useBranch(to);
      link();
      arm.end([], () => {
        branch(arm, to);
      });
    },
    raise: step,
    raiseIf: stepIf,
    handler: step,
    handlerResult: step,
    handlerIf: stepIf,
    handlerResultIf: stepIf,
  };
}
