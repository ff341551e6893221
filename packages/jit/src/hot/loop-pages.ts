// Accesses in loops that go through memory step by step: most are on the page of the one before. For those a loop keeps what the
// TLB said in two locals; only where that does not fit, the TLB is asked. Where an address does not change in the loop, it is asked
// once.

import type { LoopPage } from '../emit/arm.ts';
import { Tables } from '../emit/frame.ts';
import { ZERO_SLOT } from '../isa.ts';
import { accessOf } from './accesses.ts';
import type { Block } from './blocks.ts';
import type { Effects } from './effects.ts';
import type { Decoded } from './flow.ts';
import type { HotFrame } from './frame.ts';
import type { Plan } from './layout.ts';

/** One of them, with the registers that its address is made of. */
export interface LoopSlot extends LoopPage {
  readonly base: number;
  /** Added to the base; undefined if nothing is, or not simply. */
  readonly index: number | undefined;
}

/** The pages that a region's loops keep. */
export interface LoopPages {
  /** By the loop's header. */
  readonly loops: ReadonlyMap<number, readonly LoopSlot[]>;
  /** By the block's node: slots by the number of the instruction in its block. */
  readonly nodes: ReadonlyMap<number, ReadonlyMap<number, LoopSlot>>;
}

/** Most of them in one loop, and most addresses that do not change in it: they are locals. */
const MOST = 6;
/** The link register. */
const LINK = 30;

/** Where an instruction's address comes from. */
interface Address {
  readonly base: number;
  readonly index: number | undefined;
  /** The index is added as it is. */
  readonly plain: boolean;
  readonly write: boolean;
}

function addressOf(decoded: Decoded): Address | undefined {
  const access = accessOf(decoded);
  if (access !== undefined) return { ...access, index: undefined, plain: true, write: access.store };
  const { row, operands, split } = decoded;
  if (!row.name.startsWith('Load/store register (register offset')) return undefined;
  const { opc = 0, option = 3 } = split;
  const write = row.gate === 'fp' ? (opc & 1) === 0 : opc === 0;
  const index = operands['m']?.value ?? ZERO_SLOT;
  const plain = (option & 1) === 1 && operands['shift']?.value === 0;
  return { base: operands['n']?.value ?? 0, index, plain, write };
}

/** The registers whose values a simple step gives, by what is written; undefined if it is none. */
function stepOf({ row, operands, split }: Decoded): readonly number[] | undefined {
  const n = operands['n']?.value ?? ZERO_SLOT;
  const m = operands['m']?.value ?? ZERO_SLOT;
  switch (row.name) {
    case 'ADD/SUB (immediate)':
      return [n];
    case 'ADD/SUB (shifted register)':
    case 'ADD/SUB (extended register)':
      return [n, m];
    case 'Logical (shifted register)':
      // MOV.
      return n === ZERO_SLOT && split['opc'] === 1 ? [m] : undefined;
    default:
      return undefined;
  }
}

/** Registers that change in a loop by other than simple steps, and the sizes of steps by constants, by register. */
function changesIn(
  code: readonly Decoded[],
  effects: Effects,
): {
  readonly written: ReadonlySet<number>;
  readonly wild: ReadonlySet<number>;
  readonly steps: ReadonlyMap<number, readonly number[]>;
} {
  // Calls in whose place their functions are write the link register.
  const written = new Set<number>([LINK]);
  const wild = new Set<number>();
  const steps = new Map<number, number[]>();
  const sources: [number, readonly number[]][] = [];
  const step = (register: number, by: number): void => {
    steps.set(register, [...(steps.get(register) ?? []), by]);
  };
  for (const decoded of code) {
    const moved = accessOf(decoded)?.moved ?? 0;
    const from = stepOf(decoded);
    const base = decoded.operands['n']?.value;
    for (const r of effects.written(decoded)) {
      written.add(r);
      if (from !== undefined) sources.push([r, from]);
      else if (moved !== 0 && r === base) step(r, moved);
      else wild.add(r);
    }
    if (from?.length === 1 && decoded.operands['i'] !== undefined) {
      step(decoded.operands['d']?.value ?? ZERO_SLOT, decoded.operands['i'].value);
    }
  }
  for (let changed = true; changed;) {
    changed = false;
    for (const [r, from] of sources) {
      if (wild.has(r) || !from.some((s) => wild.has(s))) continue;
      wild.add(r);
      changed = true;
    }
  }
  return { written, wild, steps };
}

/** Finds the accesses of a region's innermost loops for which a page is kept. */
export function loopPages(
  blocks: readonly Block[],
  plan: Plan,
  effects: Effects,
  frame: HotFrame,
): LoopPages {
  const loops = new Map<number, LoopSlot[]>();
  const nodes = new Map<number, ReadonlyMap<number, LoopSlot>>();
  for (const [header, body] of innermost(plan)) {
    const inside = body.map((n) => [n, blocks[n - 1]] as const);
    const calls = inside.some(
      ([, b]) => b === undefined || b.flow.kind === 'callRegister' || (b.flow.kind === 'call' && !b.inlined),
    );
    if (calls) continue;
    const { written, wild, steps } = changesIn(
      inside.flatMap(([, b]) => b?.code ?? []),
      effects,
    );
    const slots = new Map<string, LoopSlot>();
    const places: LoopSlot[] = [];
    for (const [n, b] of inside) {
      const here = new Map<number, LoopSlot>();
      for (const [i, decoded] of b?.code.entries() ?? []) {
        const address = addressOf(decoded);
        if (address === undefined || wild.has(address.base) || wild.has(address.index ?? ZERO_SLOT)) continue;
        const { base, index, write, plain } = address;
        if (!written.has(base) && (index === undefined || !written.has(index))) {
          if (places.length >= MOST) continue;
          const place = frame.code.fixedLocal('i32');
          const slot = { base, index, write, place, page: -1, addend: -1, lines: undefined, steps: [] };
          places.push(slot);
          here.set(i, slot);
          continue;
        }
        const key = `${String(base)} ${String(index)} ${String(write)}`;
        const known = slots.get(key);
        if (known === undefined && slots.size >= MOST) continue;
        const slot = known ?? {
          base,
          index: plain ? index : undefined,
          write,
          place: undefined,
          page: frame.code.fixedLocal('i64'),
          addend: frame.code.fixedLocal('i32'),
          lines: write && frame.mixedStores ? frame.code.fixedLocal('i64') : undefined,
          steps: [...(steps.get(base) ?? []), ...(steps.get(index ?? ZERO_SLOT) ?? [])],
        };
        slots.set(key, slot);
        here.set(i, slot);
      }
      if (here.size > 0) nodes.set(n, here);
    }
    if (slots.size + places.length > 0) loops.set(header, [...slots.values(), ...places]);
  }
  return { loops, nodes };
}

/** Headers of loops without loops inside, and their nodes. */
function innermost({ headers, loops }: Plan): Map<number, number[]> {
  const bodies = new Map<number, number[]>();
  const outer = new Set<number>();
  for (const [n, list] of loops.entries()) {
    const last = list.at(-1);
    if (last === undefined) continue;
    for (const h of list.slice(0, -1)) outer.add(h);
    bodies.set(last, [...(bodies.get(last) ?? []), n]);
  }
  for (const h of bodies.keys()) if (outer.has(h) || !headers.has(h) || h === 0) bodies.delete(h);
  return bodies;
}

/**
 * Takes what the TLB has in the place where the first access of a loop may find its page: that need not be what it looks for,
 * but it is something.
 */
export function takePage(frame: HotFrame, slot: LoopSlot): void {
  const { base, index, write, page, addend, lines, place } = slot;
  const { code } = frame;
  if (place !== undefined) {
    code.i32(0);
    code.set(place);
    return;
  }
  const entry = code.freshLocal('i32');
  code.get(frame.x(base));
  if (index !== undefined && index !== ZERO_SLOT) {
    code.get(frame.x(index));
    code.op('i64_add');
  }
  code.op('i32_wrap_i64');
  code.i32(7);
  code.op('i32_shr_u');
  code.i32((Tables.dataEntries - 1) * 32);
  code.op('i32_and');
  code.get(frame.tlb);
  code.op('i32_add');
  code.tee(entry);
  code.memory('i64_load', write ? Tables.writeTag : Tables.readTag, true);
  code.set(page);
  code.get(entry);
  code.memory('i32_load', Tables.addend, true);
  code.set(addend);
  if (lines !== undefined) {
    // A page that may be stored to as it is holds no code.
    code.i64(0n);
    code.set(lines);
  }
  code.releaseAll();
}
