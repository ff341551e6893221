// What differs between two machines of one configuration, in words: registers by their names, the first byte of memory, parts.

import { CpuLayout } from '@worldswitch/isa-core';
import type { Cpu } from '@worldswitch/isa-core';

import type { Machine } from '../machine.ts';
import { PAGE } from '../memory/window.ts';

/** Parts of a CPU's block that engines keep for themselves. */
const PRIVATE: readonly (readonly [from: number, to: number])[] = [
  [CpuLayout.x + 33 * 8, CpuLayout.pc],
  [CpuLayout.remaining, CpuLayout.exclusiveOpen],
  [CpuLayout.exclusiveHost, CpuLayout.exclusiveHost + 4],
  [CpuLayout.tlb, CpuLayout.bigEndian],
  [CpuLayout.v + 32 * 16, CpuLayout.cells],
];
const COMPARED: readonly number[] = Array.from({ length: CpuLayout.size / 4 }, (_, i) => i).filter(
  (i) => !PRIVATE.some(([from, to]) => i * 4 >= from && i * 4 < to),
);
/** Differences of one kind that are told. */
const MOST = 8;

const hex = (n: number | bigint): string => `0x${n.toString(16)}`;
const blockOf = (cpu: Cpu): Uint32Array => new Uint32Array(cpu.memory.buffer, cpu.base, CpuLayout.size / 4);

/** The name of a word of a CPU's block. */
function nameOf(at: number): string {
  const half = (at & 4) === 0 ? '' : ', upper half';
  if (at < CpuLayout.x + 8 * 33) return `X${at >> 3}${half}`;
  if (at >= CpuLayout.cells) return `system register cell ${(at - CpuLayout.cells) >> 3}${half}`;
  if (at >= CpuLayout.v) return `V${(at - CpuLayout.v) >> 4}, word ${(at >> 2) & 3}`;
  const fields = Object.entries(CpuLayout).filter(
    ([name]) => !['x', 'v', 'cells', 'cellCount', 'size'].includes(name),
  );
  const [name = '', from = 0] = fields.filter(([, from]) => from <= at).sort((a, b) => b[1] - a[1])[0] ?? [];
  return at === from ? name : `${name} + ${at - from}`;
}

/** Pairs of CPUs, and their blocks: made once, compared often. */
export class Comparison {
  private readonly blocks: readonly (readonly [mine: Uint32Array, other: Uint32Array])[];
  private readonly words: readonly [mine: Uint32Array, other: Uint32Array];
  private readonly mine: Machine;
  private readonly other: Machine;

  constructor(mine: Machine, other: Machine) {
    this.mine = mine;
    this.other = other;
    this.blocks = mine.cpus.map((cpu, i) => [blockOf(cpu), blockOf(other.cpus[i] ?? cpu)]);
    const ramOf = ({ board: { ram } }: Machine): Uint32Array =>
      new Uint32Array(ram.bytes.buffer, ram.bytes.byteOffset, ram.size / 4);
    this.words = [ramOf(mine), ramOf(other)];
  }

  /** Registers that differ. */
  registers(): readonly string[] {
    const found: string[] = [];
    for (const [cpu, [mine, other]] of this.blocks.entries()) {
      for (const i of COMPARED) {
        if (mine[i] === other[i] || found.length === MOST) continue;
        // What a closed monitor remembers means nothing.
        const at = i * 4;
        if (at > CpuLayout.exclusiveOpen && at < CpuLayout.tlb && mine[CpuLayout.exclusiveOpen / 4] === 0)
          continue;
        found.push(
          `CPU ${cpu}: ${nameOf(at)}: ${hex(mine[i] ?? 0)}, on the other engine ${hex(other[i] ?? 0)}`,
        );
      }
    }
    return found;
  }

  /** Pages that either machine has written to since its last `hash`. */
  dirtyPages(): number[] {
    const [a, b] = [this.mine.board.ram.dirty, this.other.board.ram.dirty];
    const pages: number[] = [];
    for (let i = 0; i < a.length; i++) {
      const bits = (a[i] ?? 0) | (b[i] ?? 0);
      if (bits === 0) continue;
      for (let bit = 0; bit < 32; bit++) if ((bits & (1 << bit)) !== 0) pages.push(i * 32 + bit);
    }
    return pages;
  }

  /** Words of memory that differ in some pages. */
  memory(pages: readonly number[]): readonly string[] {
    const [mine, other] = this.words;
    const base = this.mine.board.config.ramBase;
    const found: string[] = [];
    for (const page of pages) {
      const first = (page * PAGE) / 4;
      for (let i = first; i < first + PAGE / 4 && found.length < MOST; i++) {
        if (mine[i] === other[i]) continue;
        found.push(
          `memory at ${hex(base + i * 4)}: ${hex(mine[i] ?? 0)}, on the other engine ${hex(other[i] ?? 0)}`,
        );
      }
    }
    return found;
  }

  /** Time, the interrupt controller, the timer and devices that differ. */
  parts(): readonly string[] {
    const [mine, other] = [partsOf(this.mine), partsOf(this.other)];
    return Object.keys(mine)
      .filter((name) => mine[name] !== other[name])
      .map((name) => `${name}: ${near(mine[name], other[name])}`);
  }
}

function partsOf({ board, now }: Machine): Record<string, string> {
  const { gic, timer, devices } = board;
  return {
    'virtual time': String(now),
    'interrupt controller': JSON.stringify(gic.save()),
    timer: JSON.stringify(timer.save()),
    ...Object.fromEntries(devices.map((d) => [`device ${d.name}`, JSON.stringify(d.device.save())])),
  };
}

/** Where two texts begin to differ. */
function near(mine = '', other = ''): string {
  let at = 0;
  while (at < mine.length && mine[at] === other[at]) at++;
  const part = (text: string): string => text.slice(Math.max(0, at - 20), at + 20);
  return `${part(mine)}, on the other engine ${part(other)}`;
}
