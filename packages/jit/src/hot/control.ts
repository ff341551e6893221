// Branches of a compiled region: the instruction says under what condition or to what address, the region does the rest.

import type { ControlPart } from '../emit/control.ts';
import { immediate } from '../emit/integers.ts';
import type { Node } from '../emit/node.ts';
import type { Imm } from '../isa.ts';
import type { HotArm } from './arm.ts';

/** The methods. */
export function hotControlPart(arm: HotArm): ControlPart {
  const { code, frame } = arm;
  const leaves = (): void => {
    arm.leaves = true;
  };
  const stepIf = (c: Node): void => {
    arm.stepIf(c);
  };
  /** The region's root page plus bytes. */
  const address = (bytes: bigint): Node =>
    arm.integer('add', arm.frameLocal('i64', frame.pageVa), arm.constant('i64', bytes));
  const link = (): void => {
    const local = frame.x(30);
    frame.writtenGeneral.add(30);
    arm.write(
      () => undefined,
      address(BigInt(arm.instruction * 4 + 4)),
      () => {
        code.set(local);
      },
    );
  };
  return {
    pc: (plus) => {
      const by = immediate(arm, 'i64', plus as unknown as Imm).constant ?? 0n;
      return address(BigInt(arm.instruction * 4) + by);
    },
    pcPage: (pages) => {
      const by = immediate(arm, 'i64', pages).constant ?? 0n;
      return address((BigInt(arm.instruction >> 10) + by) << 12n);
    },
    jump: () => undefined,
    jumpIf(condition) {
      condition.uses++;
      arm.ending = { kind: 'branch', condition };
    },
    jumpTo(va, how) {
      if (how === 'call') link();
      // BranchAddr() removes tags: a target that has one is the reference engine's.
      const eight = arm.constant('i64', 8n);
      const canonical = arm.integer('shr_s', arm.integer('shl', va, eight), eight);
      arm.stepIf(arm.binary('i64_ne', 'i32', canonical, va));
      va.uses++;
      arm.check(() => {
        arm.push(va);
        code.set(frame.pc);
      });
      arm.ending = { kind: 'register' };
    },
    call() {
      link();
    },
    raise: leaves,
    raiseIf: stepIf,
    handler: leaves,
    handlerResult: leaves,
    handlerIf: stepIf,
    handlerResultIf: stepIf,
  };
}
