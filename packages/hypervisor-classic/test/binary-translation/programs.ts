// Random kernels for the translator: everything that it treats in a way of its own, between plain instructions, in a loop.

import { DATA } from './rig.ts';

/** A generator of numbers below a limit. */
function generator(seed: number): (below: number) => number {
  let state = seed * 2654435761;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** X28 is where data is, X27 the loop's count; both are left alone by programs. */
export const randomRegisters = (seed: number): bigint[] => {
  const below = generator(seed + 1000);
  const registers = Array.from(
    { length: 31 },
    () => (BigInt(below(2 ** 31)) << 33n) | BigInt(below(2 ** 31)),
  );
  registers[27] = 6n;
  registers[28] = BigInt(DATA);
  return registers;
};

const CONDITIONS = ['eq', 'ne', 'cs', 'cc', 'mi', 'pl', 'hi', 'ls', 'ge', 'lt', 'gt', 'le'];
const SYSTEM = ['sp_el0', 'tpidr_el0', 'tpidr_el1', 'tpidrro_el0', 'far_el1'];

/** A program of some hundred instructions, run six times. */
export function randomProgram(seed: number, length = 120): string {
  const below = generator(seed);
  const any = (): string => {
    const n = below(30);
    // X27 and X28 are the program's own; X30 is written by calls.
    return `x${String(n === 27 || n === 28 ? 16 + (n % 2) : n)}`;
  };
  const w = (): string => any().replace('x', 'w');
  const offset = (step: number, limit: number): string => `#${String(step * below(limit / step))}`;
  const system = (): string => SYSTEM[below(SYSTEM.length)] ?? '';
  let labels = 0;
  const plain: (() => string)[] = [
    () => `add ${any()}, ${any()}, ${any()}`,
    () => `subs ${any()}, ${any()}, ${any()}`,
    () => `adcs ${w()}, ${w()}, ${w()}`,
    () => `eor ${any()}, ${any()}, ${any()}, lsl #7`,
    () => `csel ${any()}, ${any()}, ${any()}, ${CONDITIONS[below(12)] ?? ''}`,
    () => `mul ${any()}, ${any()}, ${any()}`,
    () => `ldr ${any()}, [x28, ${offset(8, 4096)}]`,
    () => `str ${any()}, [x28, ${offset(8, 4096)}]`,
    () => `ldp ${any().replace(/\d+/, '1')}, ${any().replace(/\d+/, '16')}, [x28, ${offset(8, 504)}]`,
    () => `stp ${any()}, ${any()}, [sp, #-16]!\nldp x3, x17, [sp], #16`,
  ];
  const sensitive: (() => string)[] = [
    () => `mrs ${any()}, ${system()}`,
    () => `msr ${system()}, ${any()}`,
    () => `mrs ${any()}, daif`,
    () => `msr daif, ${any()}`,
    () => `msr daifset, #${String(below(16))}`,
    () => `msr daifclr, #${String(below(16))}`,
    () => `mrs ${any()}, currentel`,
    () => `mrs ${any()}, nzcv\nmsr nzcv, ${any()}`,
    () => `adr ${any()}, top`,
    () => `adrp ${any()}, top`,
    () => `ldr ${any()}, pool`,
    () => `ldr ${w()}, pool`,
    () => `ldrsw ${any()}, pool`,
    () => `ldr d1, pool\nfmov ${any()}, d1`,
    () => `sttr ${any()}, [x28, #${String(8 * below(30))}]`,
    () => `ldtr ${any()}, [x28, #${String(8 * below(30))}]`,
    () => `bl function${String(below(3))}`,
    () => `adr x16, function${String(below(3))}\nblr x16`,
    () => `adr x30, function${String(below(3))}\nblr x30`,
    () => `adr x17, over${String(++labels)}\nbr x17\nadd x1, x1, #1\nover${String(labels)}:`,
  ];
  const forward: (() => string)[] = [
    () => `cbz ${any()}, over`,
    () => `cbnz ${w()}, over`,
    () => `tbz ${any()}, #${String(below(64))}, over`,
    () => `tbnz ${w()}, #${String(below(32))}, over`,
    () => `b.${CONDITIONS[below(12)] ?? ''} over`,
    () => 'b over',
  ];
  const pick = (from: readonly (() => string)[]): string => from[below(from.length)]?.() ?? 'nop';
  const lines: string[] = ['top:'];
  for (let i = 0; i < length; i++) {
    const kind = below(10);
    if (kind < 5) lines.push(pick(plain));
    else if (kind < 8) lines.push(pick(sensitive));
    else {
      const label = `over${String(++labels)}`;
      lines.push(
        pick(forward).replace(/over$/, label),
        pick(plain),
        pick(sensitive).replace(/^bl .*/, 'nop'),
        `${label}:`,
      );
    }
  }
  lines.push('sub x27, x27, #1', 'cbnz x27, top', 'brk #0');
  for (let i = 0; i < 3; i++)
    lines.push(`function${String(i)}:`, pick(plain), pick(sensitive.slice(0, 8)), pick(plain), 'ret');
  lines.push('.balign 8', 'pool: .quad 0x8123456789abcdef');
  return lines.join('\n').replace(/(adr x30.*\nblr x30)/g, '$1');
}
