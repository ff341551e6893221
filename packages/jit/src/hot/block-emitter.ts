// The instructions of one basic block.

import { Unsupported } from '../emit/node.ts';
import { optionalFeatures } from '../isa.ts';
import type { Builder } from '../isa.ts';
import { accessesOf } from './accesses.ts';
import type { HotArm } from './arm.ts';
import type { Block } from './blocks.ts';
import { hotBuilder } from './builder.ts';
import { Effects } from './effects.ts';
import type { Decoded } from './flow.ts';

/** Emits blocks' instructions, without what follows the last one. */
export class BlockEmitter {
  private readonly arm: HotArm;
  private readonly builder: Builder;
  readonly effects: Effects = new Effects();

  constructor(arm: HotArm) {
    this.arm = arm;
    this.builder = hotBuilder(arm);
  }

  /** Emits a block's instructions; false if one of them can only leave. */
  emit(block: Block): boolean {
    const { arm } = this;
    const { code, frame } = arm;
    arm.accesses = accessesOf(block, this.effects);
    const stops = block.flow.kind === 'stop' ? block.code.length - 1 : -1;
    for (const [i, decoded] of block.code.entries()) {
      const number = block.start + i;
      arm.position = i;
      if (i === stops || !this.build(decoded, number)) {
        frame.setExit(number, block.code, i);
        code.br(frame.never);
        return false;
      }
      if (arm.mayLeave) {
        frame.setExit(number, block.code, i);
      }
      arm.emit();
      if (arm.unmasks) {
        frame.setExit(number + 1, block.code, i + 1);
        frame.loadWord('pendingPins');
        code.brSeldom(frame.poll);
      }
    }
    return true;
  }

  /** Runs an instruction's semantics. False where the interpreter has to do it. */
  private build({ row, operands, split }: Decoded, number: number): boolean {
    const { arm } = this;
    const { code, frame } = arm;
    arm.reset();
    arm.instruction = number;
    const feature = optionalFeatures[row.feature ?? ''];
    if (feature !== undefined) {
      arm.check(() => {
        frame.loadWord('absent');
        code.i32(feature);
        code.op('i32_and');
        code.brSeldom(frame.absent);
      });
    }
    if (row.gate === 'fp' && !arm.checked.has('fp')) {
      arm.checked.add('fp');
      arm.check(() => {
        frame.loadWord('fpTrap');
        code.brSeldom(frame.absent);
      });
    }
    try {
      row.execute(this.builder, operands, split);
    } catch (error) {
      if (error instanceof Unsupported) return false;
      throw error;
    }
    return !arm.leaves;
  }
}
