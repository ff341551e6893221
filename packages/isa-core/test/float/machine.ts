// One instruction at a time on the reference engine: assembly in, registers out. No memory.

import { Layout } from '../../src/cpu/layout.ts';
import { CpuState } from '../../src/cpu/state.ts';
import { referenceEvaluator } from '../../src/reference/index.ts';
import type { ReferenceHost } from '../../src/reference/index.ts';
import { assemble } from '../../src/syntax/index.ts';
import { decode } from '../../src/table/index.ts';

const unreachable = (): never => {
  throw new Error('floating-point arithmetic has no use for this');
};

/** A CPU without memory. */
export interface Machine {
  readonly state: CpuState;
  /** Registers of 128 bits. */
  getV(n: number): bigint;
  setV(n: number, value: bigint): void;
  /** FPSR, which `run` clears first. */
  readonly fpsr: number;
  fpcr: number;
  /** Executes one instruction. */
  run(assembly: string): void;
}

/** A new one, all zero. */
export const machine = (): Machine => {
  const state = new CpuState(new WebAssembly.Memory({ initial: 1 }), 0);
  const host: ReferenceHost = {
    state,
    load: unreachable,
    checkStore: unreachable,
    store: unreachable,
    checkSp: unreachable,
    exclusiveAddress: unreachable,
    peek: unreachable,
    zeroBlock: unreachable,
    cacheOp: unreachable,
    branchTarget: unreachable,
    raise: unreachable,
    raiseFpTrap: unreachable,
    callHandler: unreachable,
  };
  const evaluator = referenceEvaluator(host);
  const at = (n: number): number => Layout.v / 8 + 2 * n;
  return {
    state,
    getV: (n) => ((state.u64[at(n) + 1] ?? 0n) << 64n) | (state.u64[at(n)] ?? 0n),
    setV(n, value) {
      state.u64[at(n)] = BigInt.asUintN(64, value);
      state.u64[at(n) + 1] = value >> 64n;
    },
    get fpsr() {
      return state.word(Layout.fpsr);
    },
    get fpcr() {
      return state.word(Layout.fpcr);
    },
    set fpcr(value) {
      state.setWord(Layout.fpcr, value);
    },
    run(assembly) {
      const instruction = decode(assemble(assembly));
      if (instruction === undefined) throw new Error(`${assembly} is not decoded`);
      state.setWord(Layout.fpsr, 0);
      evaluator.step(instruction);
    },
  };
};
