// Registers of a compiled region: general and vector registers are locals, everything else lies in the CPU's block.

import { intType } from '../emit/arm.ts';
import type { Node } from '../emit/node.ts';
import type { RegisterPart } from '../emit/registers.ts';
import { ZERO_SLOT } from '../isa.ts';
import type { PstateField, Layout } from '../isa.ts';
import type { HotArm } from './arm.ts';

const pstateFields: Readonly<Record<PstateField, keyof typeof Layout>> = {
  EL: 'el',
  SP: 'sp',
  DAIF: 'daif',
  PAN: 'pan',
  UAO: 'uao',
  IL: 'il',
  SS: 'ss',
};
/** Number of the stack pointer among the general registers. */
const SP = 31;

/** The methods. */
export function hotRegisterPart(arm: HotArm): RegisterPart {
  const { code, frame } = arm;
  const nothing = (): void => undefined;
  const base = (): void => {
    frame.pushBase();
  };
  const x64 = (r: number): Node => arm.once(`x${String(r)}`, () => arm.frameLocal('i64', frame.x(r)));
  const setV = (r: number, value: Node): void => {
    frame.writtenVectors.add(r);
    arm.scalars.delete(r);
    const local = frame.v(r);
    arm.write(nothing, value, () => {
      code.set(local);
    });
  };
  /** The rest of this block finds the number in a local: it need not wait for the vector. */
  const setNumber = (r: number, value: Node, type: 'f32' | 'f64'): void => {
    frame.writtenVectors.add(r);
    arm.scalars.set(r, type);
    const [local, number] = [frame.v(r), frame.scalar(r, type)];
    arm.write(nothing, value, () => {
      code.set(number);
      code.bytes16('v128_const', []);
      code.get(number);
      code.lane(type === 'f64' ? 'f64x2_replace_lane' : 'f32x4_replace_lane', 0);
      code.set(local);
    });
  };
  const setWord = (field: keyof typeof Layout, value: Node): void => {
    arm.write(base, value, () => {
      code.memory(value.type === 'i64' ? 'i64_store' : 'i32_store', frame.at(field), true);
    });
  };
  const lane = (r: number, type: 'i32' | 'i64' | 'f32' | 'f64'): Node => {
    const op = { i32: 'i32x4', i64: 'i64x2', f32: 'f32x4', f64: 'f64x2' } as const;
    return arm.once(`v${String(r)}:${type}`, () =>
      arm.node(type, [], () => {
        code.get(frame.v(r));
        code.lane(`${op[type]}_extract_lane`, 0);
      }),
    );
  };
  return {
    x(r, w) {
      if (r.value === ZERO_SLOT) return arm.constant(intType(w), 0n);
      const whole = x64(r.value);
      return w === 64
        ? whole
        : arm.once(`w${String(r.value)}`, () => arm.unary('i32_wrap_i64', 'i32', whole));
    },
    address(r) {
      const value = x64(r.value);
      if (r.value !== SP) return value;
      const mask = arm.node('i64', [], () => {
        frame.pushBase();
        code.memory('i64_load32_u', frame.at('spCheck'), true);
      });
      arm.stepIf(arm.binary('i64_ne', 'i32', arm.integer('and', value, mask), arm.constant('i64', 0n)));
      return value;
    },
    setX(r, value) {
      if (r.value === ZERO_SLOT) return;
      frame.writtenGeneral.add(r.value);
      const local = frame.x(r.value);
      arm.write(nothing, value, () => {
        if (value.type === 'i32') code.op('i64_extend_i32_u');
        code.set(local);
      });
    },
    f(r, w) {
      const bits = lane(r.value, w === 64 ? 'i64' : 'i32');
      if (w !== 16) {
        const type = w === 64 ? 'f64' : 'f32';
        bits.float ??=
          arm.scalars.get(r.value) === type
            ? arm.frameLocal(type, frame.scalar(r.value, type))
            : lane(r.value, type);
        return bits;
      }
      const half = arm.integer('and', bits, arm.constant('i32', 0xffffn));
      half.half = true;
      return half;
    },
    setF(r, value) {
      const from = value.float ?? value;
      const op = { i32: 'i32x4', i64: 'i64x2', f32: 'f32x4', f64: 'f64x2' } as const;
      if (from.type === 'f64' || from.type === 'f32') {
        setNumber(r.value, from, from.type);
        return;
      }
      const vector = arm.node('v128', [from], () => {
        code.bytes16('v128_const', []);
        arm.push(from);
        code.lane(`${op[from.type as 'i32']}_replace_lane`, 0);
      });
      setV(r.value, vector);
    },
    v: (r) => arm.once(`v${String(r.value)}`, () => arm.frameLocal('v128', frame.v(r.value))),
    setV: (r, value) => {
      setV(r.value, value);
    },
    cell: (c) =>
      arm.node('i64', [], () => {
        frame.pushBase();
        code.memory('i64_load', frame.at('cells') + 8 * c.value, true);
      }),
    setCell(c, value) {
      arm.write(base, value, () => {
        code.memory('i64_store', frame.at('cells') + 8 * c.value, true);
      });
    },
    pstate: (field) =>
      arm.node('i32', [], () => {
        frame.loadWord(pstateFields[field]);
      }),
    setDaif(value) {
      setWord('daif', arm.integer('and', value, arm.constant('i32', 15n)));
      arm.unmasks = true;
    },
    fpsr: () => arm.word64('fpsr'),
    setFpsr: (value) => {
      arm.checked.delete('ixc');
      setWord('fpsr', value);
    },
    fpcr: () => arm.word64('fpcr'),
    setFpcr: (value) => {
      setWord('fpcr', value);
      arm.checked.clear();
    },
  };
}
