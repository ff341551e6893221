// NZCV from flags whose kind is known only when the code runs.

import type { Node } from '../emit/node.ts';
import type { Code } from '../wasm/code.ts';
import type { HotArm } from './arm.ts';
import { Kind, nibbleOf } from './flags.ts';
import { HotLayout } from './frame.ts';

/** Locals with the parts of the flags. */
export interface FlagLocals {
  readonly kind: number;
  readonly guard: number;
  readonly a: number;
  readonly b: number;
}

const KINDS = [Kind.sub64, Kind.sub32, Kind.add64, Kind.add32, Kind.logical64, Kind.logical32, Kind.float];

/** Computes NZCV, 0 to 15, into a local, and leaves the other locals as they are. */
export function materialize(arm: HotArm, from: FlagLocals, result: number): void {
  const { code } = arm;
  const done = code.block();
  // Where the guard is closed, NZCV is in the kind.
  code.get(from.kind);
  code.i32(4);
  code.op('i32_shr_u');
  code.i32(1);
  code.op('i32_and');
  code.get(from.guard);
  code.ops('i32_eqz', 'i32_and');
  code.if();
  code.get(from.kind);
  code.i32(8);
  code.op('i32_shr_u');
  code.i32(15);
  code.ops('i32_and', 'i64_extend_i32_u');
  code.set(result);
  code.br(done);
  code.end();
  const plain = code.block();
  const blocks = KINDS.map(() => code.block()).reverse();
  code.get(from.kind);
  code.i32(15);
  code.op('i32_and');
  code.brTable([plain, plain, ...blocks], plain);
  for (const kind of KINDS) {
    code.end();
    arm.push(
      nibbleOf(arm, {
        kind,
        a: arm.frameLocal('i64', from.a),
        b: arm.frameLocal('i64', from.b),
        guard: undefined,
      }),
    );
    code.set(result);
    code.br(done);
  }
  code.end();
  code.get(from.a);
  code.set(result);
  code.end();
}

/** Takes flags that a region before left in memory. */
export function takeFlags(code: Code, base: number, to: FlagLocals): void {
  for (const [op, offset, local] of [
    ['i32_load', HotLayout.kind, to.kind],
    ['i32_load', HotLayout.guard, to.guard],
    ['i64_load', HotLayout.a, to.a],
    ['i64_load', HotLayout.b, to.b],
  ] as const) {
    code.get(base);
    code.memory(op, offset, true);
    code.set(local);
  }
}

/** NZCV of flags of any kind, as an i64 from 0 to 15. */
export function anyNibble(arm: HotArm): Node {
  const { frame, code } = arm;
  const n: Node = { type: 'i64', push: () => undefined, uses: 2, local: -1 };
  arm.check(() => {
    code.get(frame.kind);
    code.op('i32_eqz');
    code.if();
    takeFlags(code, frame.base, frame);
    code.end();
    const result = code.freshLocal('i64');
    materialize(arm, frame, result);
    n.local = result;
  });
  return n;
}
