// Branches, exceptions and handlers of the reference engine.

import type { Builder } from '../semantics/builder.ts';
import type { Gpr, Imm } from '../semantics/operands.ts';
import type { Bool, Int } from '../semantics/values.ts';
import { instructionEnded } from './host.ts';
import type { ReferenceHost } from './host.ts';
import { constantOf } from './registers.ts';
import type { Transaction } from './transaction.ts';
import { big, int64, truth } from './values.ts';

type ControlPart = Pick<
  Builder,
  | 'pc'
  | 'pcPage'
  | 'jump'
  | 'jumpIf'
  | 'jumpTo'
  | 'call'
  | 'raise'
  | 'raiseIf'
  | 'handler'
  | 'handlerResult'
  | 'handlerIf'
  | 'handlerResultIf'
>;

const LINK_REGISTER = 30;

const argument = (a: Int<64> | Imm): bigint => (typeof a === 'bigint' ? a : constantOf(a as Imm));

/** The methods that leave the line. */
export const controlPart = (host: ReferenceHost, effects: Transaction): ControlPart => {
  const { state } = host;
  const from = (offset: bigint): bigint => BigInt.asUintN(64, state.pc + offset);
  const link = (): void => {
    effects.setX(LINK_REGISTER, from(4n));
  };
  /** The instruction is the handler's: it runs now, and what the rest of `execute` says is dropped. */
  const handOver = (name: string, args: readonly (Int<64> | Imm)[], to?: Gpr): never => {
    const result = host.callHandler(name, args.map(argument));
    if (to !== undefined && result !== undefined) state.setX(to.value, result);

    throw instructionEnded;
  };
  return {
    pc: (plus) => int64(from(BigInt(plus.value))),
    pcPage: (pages) => int64((state.pc & ~0xfffn) + (constantOf(pages) << 12n)),
    jump: (to) => {
      effects.jump(from(BigInt(to.value)));
    },
    jumpIf: (c, to) => {
      if (truth(c)) effects.jump(from(BigInt(to.value)));
    },
    jumpTo: (va, how) => {
      if (how === 'call') link();
      effects.jump(big(va));
    },
    call: (to) => {
      link();
      effects.jump(from(BigInt(to.value)));
    },
    raise: (what, immediate) => {
      effects.raise(what, Number(constantOf(immediate)));
    },
    raiseIf: (c: Bool, what, immediate) => {
      if (!truth(c)) return;
      host.raise(what, Number(constantOf(immediate)));
      throw instructionEnded;
    },
    handler: (name, ...args) => {
      effects.handler(name, args.map(argument));
    },
    handlerResult: (name, to, ...args) => {
      effects.handler(name, args.map(argument), to.value);
    },
    handlerIf: (c, name, ...args) => {
      if (truth(c)) handOver(name, args);
    },
    handlerResultIf: (c, name, to, ...args) => {
      if (truth(c)) handOver(name, args, to);
    },
  };
};
