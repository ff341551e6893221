// One instruction of a region in the making: its operands are known, registers and flags are in locals.

import { Arm } from '../emit/arm.ts';
import type { LoopPage, SharedLookup } from '../emit/arm.ts';
import type { FlagNodes, Node } from '../emit/node.ts';
import type { PlannedAccess } from './accesses.ts';
import { anyNibble } from './any-flags.ts';
import { Kind } from './flags.ts';
import type { HotFlags } from './flags.ts';
import type { HotFrame } from './frame.ts';

/** How a block's last instruction ends it. */
export type Ending =
  | { readonly kind: 'branch'; readonly condition: Node }
  /** To the address that the instruction left in `frame.pc`. */
  | { readonly kind: 'register' };

/** One instruction in the making. */
export class HotArm extends Arm {
  override readonly frame: HotFrame;
  ending: Ending | undefined;
  /** The kind of the flags here, or undefined where it differs by the way control came. */
  kind: number | undefined;
  /** True when the instruction may unmask interrupts. */
  unmasks = false;
  /** Its number in the region, and in its block. */
  instruction = 0;
  position = 0;
  /** Accesses of the block that share looks into the TLB, by the number in the block. */
  accesses: ReadonlyMap<number, PlannedAccess> = new Map();
  /** Accesses for which the loop keeps a page, by the number in the block. */
  loopPages: ReadonlyMap<number, LoopPage> | undefined;
  /** By vector register: the type of the number that is also in a local of its own. */
  readonly scalars: Map<number, 'f32' | 'f64'> = new Map<number, 'f32' | 'f64'>();
  private flags: HotFlags | undefined;
  /** Things that were checked in this block and hold in the rest of it. */
  readonly checked: Set<string> = new Set<string>();

  constructor(frame: HotFrame) {
    super(frame);
    this.frame = frame;
  }

  floatFlags(less: Node, different: Node): FlagNodes {
    return { kind: Kind.float, a: less, b: different, guard: undefined } as unknown as FlagNodes;
  }

  override shared(): SharedLookup | undefined {
    const access = this.accesses.get(this.position);
    if (access === undefined) return undefined;
    const { group, at } = access;
    if (group.local < 0) group.local = this.code.fixedLocal('i32');
    const first = group.first === this.position;
    return { first, low: group.low - at, bytes: group.bytes, local: group.local };
  }

  override loopPage(): LoopPage | undefined {
    return this.loopPages?.get(this.position);
  }

  /** FPSR.IXC is read once in a block: it only goes down by a write to FPSR. */
  override inexact(): void {
    const { frame, code, checked } = this;
    if (checked.has('ixc')) {
      code.get(frame.inexact());
      return;
    }
    checked.add('ixc');
    super.inexact();
    code.tee(frame.inexact());
  }

  slot(): void {
    throw new TypeError('operands of compiled code are known');
  }

  override reset(): void {
    super.reset();
    this.ending = this.flags = undefined;
    this.unmasks = false;
  }

  /** FPCR is checked once in a block. */
  override once(key: string, make: () => Node): Node {
    if (key !== 'fpcr') return super.once(key, make);
    if (!this.checked.has(key)) {
      this.checked.add(key);
      make();
    }
    return this.constant('i32', 0n);
  }

  /** NZCV as they are before the instruction. */
  currentFlags(): HotFlags {
    const { frame } = this;
    if (this.kind === undefined) {
      // Rare: control came from several places, and what they left differs.
      return { kind: Kind.nzcv, a: anyNibble(this), b: undefined, guard: undefined };
    }
    return {
      kind: this.kind,
      a: this.frameLocal('i64', frame.a),
      b: this.frameLocal('i64', frame.b),
      guard: (this.kind & Kind.guarded) === 0 ? undefined : this.frameLocal('i32', frame.guard),
    };
  }

  setFlags(flags: HotFlags): void {
    this.flags = flags;
    for (const n of [flags.a, flags.b, flags.guard]) if (n !== undefined) n.uses += 2;
  }

  /** True if the instruction may leave before it has done anything. */
  get mayLeave(): boolean {
    return this.checks.length > 0;
  }

  /** Emits everything but the branch. */
  emit(): void {
    const { writes, flags } = this;
    for (const check of this.checks) check();
    for (const store of this.stores) store();
    const parts = [flags?.a, flags?.b, flags?.guard].filter((n) => n !== undefined);
    if (writes.length + parts.length > 1) for (const w of writes) this.force(w.value);
    for (const n of parts) this.force(n);
    for (const w of writes) {
      w.address();
      this.push(w.value);
      w.store();
    }
    if (flags !== undefined) this.writeFlags(flags);
  }

  private writeFlags(flags: HotFlags): void {
    const { code, frame } = this;
    for (const [node, local] of [
      [flags.a, frame.a],
      [flags.b, frame.b],
      [flags.guard, frame.guard],
    ] as const) {
      if (node === undefined) continue;
      this.push(node);
      code.set(local);
    }
    code.i32(flags.kind);
    code.set(frame.kind);
    this.kind = flags.kind;
  }
}
