// Registers, system-register cells and PSTATE.

import type { Cell, FloatWidth, Gpr, PstateField, Vreg, Width } from '../isa.ts';
import type { Layout } from '../isa.ts';
import { constantOperand, intType } from './arm.ts';
import type { InterpreterArm } from './interpreter-arm.ts';
import type { Node } from './node.ts';
import { asSymbol } from './symbol.ts';
import type { Sym } from './symbol.ts';

/** The interface's methods about state, on nodes. */
export interface RegisterPart {
  x(r: Gpr, w: Width): Node;
  address(r: Gpr): Node;
  setX(r: Gpr, value: Node): void;
  f(r: Vreg, w: FloatWidth): Node;
  setF(r: Vreg, value: Node): void;
  v(r: Vreg): Node;
  setV(r: Vreg, value: Node): void;
  cell(c: Cell): Node;
  setCell(c: Cell, value: Node): void;
  pstate(field: PstateField): Node;
  setDaif(value: Node): void;
  fpsr(): Node;
  setFpsr(value: Node): void;
  fpcr(): Node;
  setFpcr(value: Node): void;
}

const pstateFields: Readonly<Record<PstateField, keyof typeof Layout>> = {
  EL: 'el',
  SP: 'sp',
  DAIF: 'daif',
  PAN: 'pan',
  UAO: 'uao',
  IL: 'il',
  SS: 'ss',
};

/** A value of an exclusive kind is found again by the name of its operand. */
const keyOf = (o: Gpr | Vreg | Cell): string => (o as Partial<Sym>).name ?? `#${String(o.value)}`;

/** The methods. */
export function registerPart(arm: InterpreterArm): RegisterPart {
  const { code, frame } = arm;
  const readAt = (
    o: Gpr | Vreg | Cell,
    file: 'x' | 'v' | 'cells',
    type: 'i32' | 'i64' | 'f32' | 'f64' | 'v128',
    op: `${'i32' | 'i64' | 'f32' | 'f64' | 'v128'}_load` | 'i32_load16_u',
  ): Node =>
    arm.once(`${file}:${keyOf(o)}:${type}:${op}`, () => {
      const place = arm.register(o, file);
      const push = (): void => {
        place.push();
        code.memory(op, place.offset, true);
      };
      return { type, push, uses: 0, local: -1, place };
    });
  const write = (
    o: Gpr | Vreg | Cell,
    file: 'x' | 'v' | 'cells',
    value: Node,
    store: (offset: number) => void,
  ): void => {
    const place = arm.destination(o, file);
    arm.write(place.push, value, () => {
      store(place.offset);
    });
  };
  const setWord = (field: keyof typeof Layout, value: Node): void => {
    const push = (): void => {
      frame.pushBase();
    };
    arm.write(push, value, () => {
      code.memory(value.type === 'i64' ? 'i64_store' : 'i32_store', frame.at(field), true);
    });
  };
  return {
    x(r, w) {
      const type = intType(w);
      if (constantOperand(r)?.value === 32) return arm.constant(type, 0n);
      return readAt(r, 'x', type, `${type}_load`);
    },
    address(r) {
      const value = readAt(r, 'x', 'i64', 'i64_load');
      const known = constantOperand(r);
      // A case where the base may be SP has a variant for it; the general one is never used for SP.
      if (known === undefined) asSymbol(r).addressed = true;
      else if (known.value === 31) {
        const mask = arm.node('i64', [], () => {
          code.i32(0);
          code.memory('i64_load32_u', frame.at('spCheck'), true);
        });
        arm.stepIf(arm.binary('i64_ne', 'i32', arm.integer('and', value, mask), arm.constant('i64', 0n)));
      }
      return value;
    },
    setX(r, value) {
      if (constantOperand(r)?.value === 32) return;
      write(r, 'x', value, (offset) => {
        if (value.type === 'i32') code.op('i64_extend_i32_u');
        code.memory('i64_store', offset, true);
      });
    },
    f(r, w) {
      const type = w === 64 ? 'i64' : 'i32';
      const bits = readAt(r, 'v', type, w === 16 ? 'i32_load16_u' : `${type}_load`);
      if (w === 16) bits.half = true;
      else bits.float ??= readAt(r, 'v', w === 64 ? 'f64' : 'f32', w === 64 ? 'f64_load' : 'f32_load');
      return bits;
    },
    setF(r, value) {
      // All 128 bits in one store, so that a later load of any size finds them in the store buffer.
      const vector = arm.node('v128', [value.float ?? value], () => {
        code.bytes16('v128_const', []);
        const from = value.float ?? value;
        arm.push(from);
        if (from.type === 'f32') code.ops('i32_reinterpret_f32');
        if (from.type === 'f64') code.ops('i64_reinterpret_f64');
        code.lane(value.type === 'i64' ? 'i64x2_replace_lane' : 'i32x4_replace_lane', 0);
      });
      write(r, 'v', vector, (offset) => {
        code.memory('v128_store', offset, true);
      });
    },
    v: (r) => readAt(r, 'v', 'v128', 'v128_load'),
    setV(r, value) {
      write(r, 'v', value, (offset) => {
        code.memory('v128_store', offset, true);
      });
    },
    cell: (c) => readAt(c, 'cells', 'i64', 'i64_load'),
    setCell(c, value) {
      write(c, 'cells', value, (offset) => {
        code.memory('i64_store', offset, true);
      });
    },
    pstate: (field) =>
      arm.node('i32', [], () => {
        frame.loadWord(pstateFields[field]);
      }),
    setDaif(value) {
      setWord('daif', arm.integer('and', value, arm.constant('i32', 15n)));
      arm.end([], () => {
        frame.loadWord('pendingPins');
        code.brSeldom(frame.poll);
      });
    },
    fpsr: () => arm.word64('fpsr'),
    setFpsr: (value) => {
      setWord('fpsr', value);
    },
    fpcr: () => arm.word64('fpcr'),
    setFpcr: (value) => {
      setWord('fpcr', value);
    },
  };
}
