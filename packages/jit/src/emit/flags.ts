// NZCV: AddWithCarry() and ConditionHolds() (DDI 0487 J1), with the four flags in four locals.

import type { Cond, Imm } from '../isa.ts';
import { constantOperand } from './arm.ts';
import type { Arm } from './arm.ts';
import { extend, immediate } from './integers.ts';
import type { InterpreterArm } from './interpreter-arm.ts';
import type { FlagNodes, Node } from './node.ts';
import { asSymbol } from './symbol.ts';

/** The interface's methods about flags, on nodes. */
export interface FlagPart {
  adds(a: Node, b: Node): readonly [Node, FlagNodes];
  subs(a: Node, b: Node): readonly [Node, FlagNodes];
  addCarry(a: Node, b: Node): readonly [Node, FlagNodes];
  logical(a: Node): FlagNodes;
  nzcv(value: Imm | number): FlagNodes;
  nzcvFrom(value: Node): FlagNodes;
  nzcvBits(): Node;
  setFlags(f: FlagNodes): void;
  holds(c: Cond): Node;
  select(c: Node, yes: Node | FlagNodes, no: Node | FlagNodes): Node | FlagNodes;
}

/** The current flags. */
function current(arm: InterpreterArm): FlagNodes {
  const { frame } = arm;
  return {
    n: arm.frameLocal('i64', frame.n),
    z: arm.frameLocal('i64', frame.z),
    c: arm.frameLocal('i32', frame.c),
    v: arm.frameLocal('i64', frame.v),
  };
}

/** A condition on flags, for a condition number that is known. */
function conditionOn(arm: Arm, f: FlagNodes, condition: number): Node {
  const zero = arm.constant('i64', 0n);
  const negative = (n: Node): Node => arm.binary('i64_lt_s', 'i32', n, zero);
  const different = negative(arm.integer('xor', f.n, f.v));
  const not = (n: Node): Node => arm.unary('i32_eqz', 'i32', n);
  const equal = arm.unary('i64_eqz', 'i32', f.z);
  const base = [
    (): Node => equal,
    (): Node => f.c,
    (): Node => negative(f.n),
    (): Node => negative(f.v),
    (): Node => arm.binary('i32_and', 'i32', f.c, arm.binary('i64_ne', 'i32', f.z, zero)),
    (): Node => not(different),
    (): Node => not(arm.binary('i32_or', 'i32', different, equal)),
    (): Node => arm.constant('i32', 1n),
  ][condition >> 1];
  const holds = base?.() ?? arm.constant('i32', 1n);
  return (condition & 1) === 1 && condition !== 15 ? not(holds) : holds;
}

/** NZCV as a number from 0 to 15. */
export function nibble(arm: Arm, f: FlagNodes): Node {
  const top = (n: Node, down: bigint, mask: bigint): Node =>
    arm.integer(
      'and',
      arm.unary('i32_wrap_i64', 'i32', arm.integer('shr_u', n, arm.constant('i64', down))),
      arm.constant('i32', mask),
    );
  const i32 = (n: bigint): Node => arm.constant('i32', n);
  const z = arm.integer('shl', arm.unary('i64_eqz', 'i32', f.z), i32(2n));
  const c = arm.integer('shl', f.c, i32(1n));
  return arm.integer('or', arm.integer('or', top(f.n, 60n, 8n), z), arm.integer('or', c, top(f.v, 63n, 1n)));
}

/** Flags from NZCV in the lowest bits of an i64. */
export function flagsOf(arm: Arm, bits: Node): FlagNodes {
  const i64 = (n: bigint): Node => arm.constant('i64', n);
  const bit = (n: bigint): Node => arm.integer('and', arm.integer('shr_u', bits, i64(n)), i64(1n));
  return {
    n: arm.integer('shl', bits, i64(60n)),
    z: arm.integer('xor', bit(2n), i64(1n)),
    c: arm.unary('i32_wrap_i64', 'i32', bit(1n)),
    v: arm.integer('shl', bits, i64(63n)),
  };
}

/** The methods. */
export function flagPart(arm: InterpreterArm): FlagPart {
  const wide = (a: Node): Node => extend(arm, a, 32, true, 'i64');
  const signed = (a: Node): Node => (a.type === 'i64' ? a : wide(a));
  const type = (a: Node): 'i32' | 'i64' => a.type as 'i32' | 'i64';
  const xor = (a: Node, b: Node): Node => arm.integer('xor', a, b);
  const flags = (r: Node, c: Node, v: Node): FlagNodes => {
    const n = signed(r);
    return { n, z: n, c, v: signed(v) };
  };
  return {
    adds(a, b) {
      const r = arm.integer('add', a, b);
      const c = arm.binary(`${type(a)}_lt_u`, 'i32', r, a);
      return [r, flags(r, c, arm.integer('and', xor(a, r), xor(b, r)))];
    },
    subs(a, b) {
      const r = arm.integer('sub', a, b);
      const c = arm.binary(`${type(a)}_ge_u`, 'i32', a, b);
      return [r, flags(r, c, arm.integer('and', xor(a, b), xor(a, r)))];
    },
    addCarry(a, b) {
      const carry = arm.frameLocal('i32', arm.frame.c);
      const s = arm.integer('add', a, b);
      const r = arm.integer(
        'add',
        s,
        type(a) === 'i64' ? arm.unary('i64_extend_i32_u', 'i64', carry) : carry,
      );
      // The sum wrapped, or adding the carry made it wrap.
      const first = arm.binary(`${type(a)}_lt_u`, 'i32', s, a);
      const second = arm.binary(`${type(a)}_lt_u`, 'i32', r, s);
      const c = arm.binary('i32_or', 'i32', first, second);
      return [r, flags(r, c, arm.integer('and', xor(a, r), xor(b, r)))];
    },
    logical(a) {
      const n = signed(a);
      return { n, z: n, c: arm.constant('i32', 0n), v: arm.constant('i64', 0n) };
    },
    nzcv: (value) => flagsOf(arm, immediate(arm, 'i64', value)),
    nzcvFrom: (value) => flagsOf(arm, arm.integer('shr_u', value, arm.constant('i64', 28n))),
    nzcvBits: () =>
      arm.integer(
        'shl',
        arm.unary('i64_extend_i32_u', 'i64', nibble(arm, current(arm))),
        arm.constant('i64', 28n),
      ),
    setFlags: (f) => {
      arm.setFlags(f);
    },
    holds(c) {
      const known = constantOperand(c);
      if (known !== undefined) return conditionOn(arm, current(arm), known.value);
      const s = asSymbol(c);
      s.read = true;
      const mask = arm.node('i32', [], () => {
        arm.slot(s.at);
      });
      return arm.integer(
        'and',
        arm.integer('shr_u', mask, nibble(arm, current(arm))),
        arm.constant('i32', 1n),
      );
    },
    select(c, yes, no) {
      if ('n' in yes) {
        const other = no as FlagNodes;
        const part = (name: 'n' | 'z' | 'c' | 'v'): Node => select(arm, c, yes[name], other[name]);
        return { n: part('n'), z: part('z'), c: part('c'), v: part('v') };
      }
      return select(arm, c, yes, no as Node);
    },
  };
}

/** `c ? yes : no`, both evaluated. */
export function select(arm: Arm, c: Node, yes: Node, no: Node): Node {
  return arm.node(yes.type, [c, yes, no], () => {
    arm.push(yes);
    arm.push(no);
    arm.push(c);
    if (yes.type !== 'v128') {
      arm.code.op('select');
      return;
    }
    // Untyped select has no vectors in older engines' validators: 0x1c with the type.
    for (const b of [0x1c, 1, 0x7b]) arm.code.byte(b);
  });
}
