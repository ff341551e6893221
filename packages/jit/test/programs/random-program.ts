// Random programs from a seed: blocks, branches, loops three deep and with two entries, calls and returns that match or do not,
// flags of every kind left pending over edges and faults, memory, exceptions, code that changes.

import { assemble } from '@worldswitch/isa-core';

import type { Random } from '../random.ts';
import { Program } from './assembler.ts';
import type { Label } from './assembler.ts';

/** What programs find in registers: x0-x15 are theirs. */
export const Roles = {
  /** Aligned data, 4 KiB before and after. */
  data: 19,
  /** Loop counters. */
  counter: 20,
  /** Three bytes before the end of a page. */
  crossing: 24,
  /** Nothing is mapped there. */
  nowhere: 25,
  /** The depth of a recursion. */
  recursion: 27,
} as const;

const CONDITIONS = ['eq', 'ne', 'cs', 'cc', 'mi', 'pl', 'vs', 'vc', 'hi', 'ls', 'ge', 'lt', 'gt', 'le'];
const MAX_LOOPS = 3;

/** Makes one program that never ends. */
export class RandomProgram {
  readonly program: Program = new Program();
  private readonly random: Random;
  private readonly alias: boolean;
  private readonly functions: Label[] = [];
  private readonly start: Label;
  private loops = 0;
  private current = -1;
  private budget = 0;

  /** @param alias - whether the program goes back and forth between two addresses of its memory */
  constructor(random: Random, alias = true) {
    this.random = random;
    this.alias = alias;
    const { program } = this;
    this.start = program.place();
    const count = 1 + random.below(5);
    for (let i = 0; i < count; i++) this.functions.push(program.label());
    this.budget = 25 + random.below(60);
    this.statements(3 + random.below(6));
    this.endOfRound();
    for (let i = 0; i < count; i++) this.function(i);
  }

  private pick<T>(list: readonly T[]): T {
    const item = list[this.random.below(list.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  private x(): string {
    return `x${String(this.random.below(16))}`;
  }

  private w(): string {
    return `w${String(this.random.below(16))}`;
  }

  private d(): string {
    return `d${String(this.random.below(8))}`;
  }

  /** `count` registers of one width. */
  private registers(count: number): string[] {
    const wide = this.random.below(2) === 0;
    return Array.from({ length: count }, () =>
      this.random.below(12) === 0 ? (wide ? 'xzr' : 'wzr') : wide ? this.x() : this.w(),
    );
  }

  /** Back to the start: at the same address, or at the other one where the same memory is. */
  private endOfRound(): void {
    const { program } = this;
    if (!this.alias || this.random.below(2) === 0) {
      program.to('b', this.start);
      return;
    }
    program.to('adr x9,', this.start);
    program.add('eor x9, x9, #0xc0000000', 'br x9');
  }

  private function(index: number): void {
    const { program, random } = this;
    program.place(this.functions[index]);
    this.current = index;
    this.budget = 10 + random.below(30);
    switch (random.below(5)) {
      case 0:
        // A leaf; some return to the instruction after the next.
        this.straight(1 + random.below(5));
        if (random.below(3) === 0) program.add('add x30, x30, #4');
        program.add('ret');
        return;
      case 1: {
        // A recursion.
        const out = program.label();
        program.to(`cbz x${String(Roles.recursion)},`, out);
        program.add(`sub x${String(Roles.recursion)}, x${String(Roles.recursion)}, #1`);
        program.add('stp x29, x30, [sp, #-16]!');
        program.to('bl', this.functions[index] ?? out);
        this.straight(1 + random.below(3));
        program.add('ldp x29, x30, [sp], #16');
        program.place(out);
        program.add('ret');
        return;
      }
      case 2: {
        // A tail call.
        this.straight(1 + random.below(4));
        const next = this.functions[index + 1];
        if (next === undefined) program.add('br x30');
        else program.to('b', next);
        return;
      }
      default:
        program.add('stp x29, x30, [sp, #-16]!');
        this.statements(2 + random.below(3));
        program.add('ldp x29, x30, [sp], #16');
        program.add(this.pick(['ret', 'ret', 'br x30']));
    }
  }

  private statements(count: number): void {
    for (let i = 0; i < count; i++) this.statement();
  }

  private statement(): void {
    const { random } = this;
    if (this.budget-- <= 0) {
      this.straight(1);
      return;
    }
    const kinds = [
      () => {
        this.straight(1 + random.below(6));
      },
      () => {
        this.choice();
      },
      () => {
        this.loop();
      },
      () => {
        this.call();
      },
      () => {
        this.rare();
      },
    ];
    this.pick(kinds)();
  }

  private straight(count: number): void {
    for (let i = 0; i < count; i++) {
      this.pick([
        () => this.arithmetic(),
        () => this.flagged(),
        () => this.flagged(),
        () => this.conditional(),
        () => this.memory(),
        () => this.float(),
      ])().forEach((line) => {
        this.program.add(line);
      });
    }
  }

  private arithmetic(): string[] {
    const [a = '', n = '', m = '', o = ''] = this.registers(4);
    const amount = String(this.random.below(32));
    return [
      this.pick([
        `${this.pick(['add', 'sub', 'and', 'orr', 'eor', 'bic'])} ${a}, ${n}, ${m}`,
        `${this.pick(['mul', 'udiv', 'sdiv', 'lsl', 'lsr', 'asr', 'ror'])} ${a}, ${n}, ${m}`,
        `lsr ${a}, ${n}, #${amount}`,
        `ubfx ${a}, ${n}, #${amount}, #1`,
        `madd ${a}, ${n}, ${m}, ${o}`,
        `${this.pick(['clz', 'rbit', 'rev'])} ${a}, ${n}`,
        `mov ${a}, #${String(this.random.below(0x10000))}`,
      ]),
    ];
  }

  /** Something that sets the flags. */
  private flagged(): string[] {
    const [a = '', n = '', m = ''] = this.registers(3);
    const condition = this.pick(CONDITIONS);
    const nzcv = String(this.random.below(16));
    return [
      this.pick([
        `${this.pick(['adds', 'subs', 'ands', 'bics'])} ${a}, ${n}, ${m}`,
        `${this.pick(['adcs', 'sbcs'])} ${a}, ${n}, ${m}`,
        `${this.pick(['ccmp', 'ccmn'])} ${n}, ${m}, #${nzcv}, ${condition}`,
        `${this.pick(['ccmp', 'ccmn'])} ${n}, #${String(this.random.below(32))}, #${nzcv}, ${condition}`,
        `cmp ${n}, ${m}`,
        `tst ${n}, ${m}`,
        `fcmp ${this.d()}, ${this.d()}`,
        `fccmp ${this.d()}, ${this.d()}, #${nzcv}, ${condition}`,
        `msr nzcv, ${this.x()}`,
      ]),
    ];
  }

  /** Something that reads the flags. */
  private conditional(): string[] {
    const [a = '', n = '', m = ''] = this.registers(3);
    const condition = this.pick(CONDITIONS);
    return [
      this.pick([
        `${this.pick(['csel', 'csinc', 'csinv', 'csneg'])} ${a}, ${n}, ${m}, ${condition}`,
        `${this.pick(['adc', 'sbc'])} ${a}, ${n}, ${m}`,
        `fcsel ${this.d()}, ${this.d()}, ${this.d()}, ${condition}`,
        `mrs ${this.x()}, nzcv`,
      ]),
    ];
  }

  private float(): string[] {
    const n = String(this.random.below(8));
    return [
      this.pick([
        `${this.pick(['fadd', 'fsub', 'fmul', 'fdiv'])} ${this.d()}, ${this.d()}, ${this.d()}`,
        `fmov ${this.d()}, ${this.x()}`,
        `fmov ${this.x()}, ${this.d()}`,
        `scvtf ${this.d()}, ${this.x()}`,
        `add v${n}.2d, v${n}.2d, v1.2d`,
        `eor v${n}.16b, v${n}.16b, v2.16b`,
      ]),
    ];
  }

  private memory(): string[] {
    const data = `x${String(Roles.data)}`;
    const crossing = `x${String(Roles.crossing)}`;
    const offset = String(8 * this.random.below(200));
    const small = String(this.random.below(16) - 8);
    return [
      this.pick([
        `str ${this.x()}, [${data}, #${offset}]`,
        `ldr ${this.x()}, [${data}, #${offset}]`,
        `ldrb ${this.w()}, [${data}, #${offset}]`,
        `ldrsw ${this.x()}, [${data}, #${offset}]`,
        `stp ${this.x()}, ${this.x()}, [${data}, #${String(8 * this.random.below(60))}]`,
        `ldp x${String(this.random.below(8))}, x${String(8 + this.random.below(8))}, [${data}, #${String(8 * this.random.below(60))}]`,
        `str q${String(this.random.below(8))}, [${data}, #${String(16 * this.random.below(100))}]`,
        `ldur ${this.x()}, [${crossing}, #${small}]`,
        `stur ${this.x()}, [${crossing}, #${small}]`,
        `str ${this.w()}, [${data}], #0`,
      ]),
    ];
  }

  /** Jumps to a label on some condition. */
  private branch(to: Label): void {
    const { program, random } = this;
    switch (random.below(4)) {
      case 0:
        program.to(`${this.pick(['cbz', 'cbnz'])} ${this.pick([this.x(), this.w()])},`, to);
        return;
      case 1:
        program.to(`${this.pick(['tbz', 'tbnz'])} ${this.x()}, #${String(random.below(64))},`, to);
        return;
      default:
        program.to(`b.${this.pick(CONDITIONS)}`, to);
    }
  }

  private choice(): void {
    const { program, random } = this;
    const other = program.label();
    this.branch(other);
    this.statements(1 + random.below(2));
    if (random.below(2) === 0) {
      const end = program.label();
      program.to('b', end);
      program.place(other);
      this.statements(1 + random.below(2));
      program.place(end);
    } else program.place(other);
  }

  private loop(): void {
    if (this.loops >= MAX_LOOPS || (this.current >= 0 && this.loops > 0)) {
      this.straight(2);
      return;
    }
    const { program, random } = this;
    // A function's loops must leave those of its callers alone.
    const register = Roles.counter + (this.current >= 0 ? 3 : this.loops);
    const counter = `x${String(register)}`;
    const nested = this.current >= 0;
    if (nested) program.add(`str ${counter}, [sp, #-16]!`);
    this.loops++;
    program.add(`mov ${counter}, #${String(1 + random.below(this.loops === 1 ? 9 : 4))}`);
    const middle = program.label();
    // A second way into the loop.
    const irreducible = random.below(4) === 0;
    if (irreducible) this.branch(middle);
    const top = program.place();
    this.statements(1 + random.below(2));
    program.place(middle);
    this.statements(1);
    const out = program.label();
    if (random.below(4) === 0) this.branch(out);
    if (random.below(2) === 0) {
      program.add(`subs ${counter}, ${counter}, #1`);
      program.to('b.ne', top);
    } else {
      program.add(`sub ${counter}, ${counter}, #1`);
      program.to(`cbnz ${counter},`, top);
    }
    program.place(out);
    this.loops--;
    if (nested) program.add(`ldr ${counter}, [sp], #16`);
  }

  private call(): void {
    const { program, random } = this;
    const to = this.functions[this.current + 1 + random.below(3)];
    if (to === undefined) {
      this.straight(2);
      return;
    }
    if (this.loops < 2) program.add(`mov x${String(Roles.recursion)}, #${String(random.below(12))}`);
    switch (random.below(5)) {
      case 0:
        program.to('adr x9,', to);
        program.add('blr x9');
        break;
      case 1:
        program.to('adr x30,', to);
        program.add('blr x30');
        break;
      case 2: {
        // A call by hand: the return has no call.
        const back = program.label();
        program.to('adr x30,', back);
        program.to('b', to);
        program.place(back);
        break;
      }
      default:
        program.to('bl', to);
    }
    // Some functions return behind it.
    program.add('add x0, x0, #1');
  }

  private rare(): void {
    const { program, random } = this;
    const data = `x${String(Roles.data)}`;
    const nowhere = `x${String(Roles.nowhere)}`;
    this.pick([
      () => {
        program.add(`ldr ${this.x()}, [${nowhere}]`);
      },
      () => {
        program.add(`str ${this.x()}, [${nowhere}, #8]!`, `sub ${nowhere}, ${nowhere}, #0`);
      },
      () => {
        program.add(`svc #${String(random.below(100))}`);
      },
      () => {
        program.add(`ldxr x10, [${data}]`, 'add x10, x10, #1', `stxr w11, x10, [${data}]`);
      },
      () => {
        program.add('add sp, sp, #8', `ldr ${this.x()}, [sp]`, 'sub sp, sp, #8');
      },
      () => {
        program.add(this.pick(['msr daifclr, #2', 'msr daifset, #2', 'isb', 'dsb sy', 'nop', 'yield']));
      },
      () => {
        program.add('tlbi vmalle1', 'dsb sy', 'isb');
      },
      () => {
        program.add(`mrs ${this.x()}, ${this.pick(['tpidr_el0', 'fpsr', 'fpcr', 'daif', 'esr_el1'])}`);
      },
      () => {
        this.patch();
      },
    ])();
  }

  /** Puts another instruction in the place of one that comes soon, or came, perhaps with maintenance. */
  private patch(): void {
    const { program, random } = this;
    const site = program.label();
    const number = assemble(`add x${String(random.below(8))}, x1, #${String(random.below(100))}`);
    const before = random.below(3) === 0;
    if (before) {
      program.place(site);
      program.add('add x2, x2, #3');
    }
    program.add(`mov w12, #${String(number & 0xffff)}`, `movk w12, #${String(number >>> 16)}, lsl #16`);
    program.to('adr x13,', site);
    // So that it changes now and then only: else the page becomes data.
    const skip = program.label();
    program.to(`tbz x0, #${String(random.below(3))},`, skip);
    program.add('str w12, [x13]');
    if (random.below(2) === 0) program.add('dc cvau, x13', 'dsb ish', 'ic ivau, x13', 'dsb ish', 'isb');
    program.place(skip);
    if (!before) {
      this.straight(random.below(3));
      program.place(site);
      program.add('add x2, x2, #3');
    }
  }
}
