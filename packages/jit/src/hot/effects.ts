// Which general registers an instruction writes, by the operands' names: found once for each case by running its semantics.

import { Unsupported } from '../emit/node.ts';
import type { Operand } from '../isa.ts';
import { HotArm } from './arm.ts';
import { hotBuilder } from './builder.ts';
import type { Decoded } from './flow.ts';
import { HotFrame } from './frame.ts';

/** Finds and remembers them. */
export class Effects {
  private readonly frame = new HotFrame();
  private readonly arm = new HotArm(this.frame);
  private readonly builder = hotBuilder(this.arm);
  /** By case: names of operands. */
  private readonly known = new Map<number, readonly string[]>();

  /** The general registers that an instruction may write, but the link register. */
  written(decoded: Decoded): number[] {
    let names = this.known.get(decoded.caseId);
    if (names === undefined) {
      names = this.find(decoded);
      this.known.set(decoded.caseId, names);
    }
    return names.map((name) => decoded.operands[name]?.value ?? -1);
  }

  private find({ row, operands, split }: Decoded): string[] {
    const { frame, arm } = this;
    frame.reset();
    arm.reset();
    arm.instruction = 0;
    const names: string[] = [];
    const distinct: Record<string, Operand> = {};
    for (const [name, o] of Object.entries(operands)) {
      if (o.kind !== 'x') distinct[name] = o;
      else distinct[name] = { ...o, value: names.push(name) - 1 };
    }
    try {
      row.execute(this.builder, distinct, split);
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error;
      return names;
    }
    return arm.leaves ? names : names.filter((_, i) => frame.writtenGeneral.has(i));
  }
}
