// Which registers and system instructions there are at each exception level: every encoding of MRS, MSR (register) and of SYS with CRn 7
// and 8, executed by QEMU's `virt` board with EL3 and here. A register is written with what was read of it.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'vitest';

import { requireTool, tempDir } from '@worldswitch/test-tools';

import { registerById } from '../../src/cpu/sysregs/table.ts';
import { systemInstructionName } from '../../src/cpu/system-instructions.ts';
import { assembleProgram } from '../../src/syntax/index.ts';
import { RAM } from '../reference/machine.ts';
import { apply, trapMachine } from './rig.ts';

const tools = requireTool('qemu-system-aarch64');
const run = promisify(execFile);

const LEVELS = [1, 2, 3] as const;
type Level = (typeof LEVELS)[number];

/** A table of vectors of a level, all of which go on behind the instruction with X9 set. */
const vectors = (el: Level): string =>
  [
    '.balign 2048',
    `vectors${String(el)}:`,
    ...Array.from(
      { length: 16 },
      () =>
        `.balign 128\nmrs x10, elr_el${String(el)}\nadd x10, x10, #4\nmsr elr_el${String(el)}, x10\nmov x9, #1\neret`,
    ),
  ].join('\n');

/** Tries all encodings at a level, writes a line for each that is there, and ends by semihosting. */
const program = (el: Level): string => `
  mov x1, #0x40000000          // the flash is Secure: go on in RAM
  mov x2, #0
copy:
  ldr x3, [x2]
  str x3, [x1, x2]
  add x2, x2, #8
  cmp x2, #8, lsl #12
  b.ne copy
  dsb sy
  adr x2, main
  add x1, x1, x2
  br x1
main:
  adrp x0, vectors1
  add x0, x0, :lo12:vectors1
  msr vbar_el1, x0
  adrp x0, vectors2
  add x0, x0, :lo12:vectors2
  msr vbar_el2, x0
  adrp x0, vectors3
  add x0, x0, :lo12:vectors3
  msr vbar_el3, x0
  mov x20, #0x9000000          // PL011
  mov w0, #0x301
  str w0, [x20, #0x30]
  msr cptr_el3, xzr
  mov x0, #0x531               // Non-secure below, HVC, AArch64
  msr scr_el3, x0
  mov x0, #15
  msr s3_6_c12_c12_5, x0       // ICC_SRE_EL3, ICC_SRE_EL2
  msr s3_4_c12_c9_5, x0
  mov x0, #0x80000000
  msr hcr_el2, x0
  mov x0, #0x33ff
  msr cptr_el2, x0
  mov x0, #3
  msr cnthctl_el2, x0
  mov x0, #0x0830
  movk x0, #0x30c5, lsl #16
  msr sctlr_el2, x0
  mov x0, #0x0800
  movk x0, #0x30d0, lsl #16
  msr sctlr_el1, x0
  mov x0, #0x300000
  msr cpacr_el1, x0
  mov x0, #${String(0x3c0 | (el << 2) | 1)}
  msr spsr_el3, x0
  adr x0, begin
  msr elr_el3, x0
  eret
begin:
  mov x22, #0x40100000         // the instruction under test, and RET
  movz w1, #0x03c0
  movk w1, #0xd65f, lsl #16
  str w1, [x22, #4]
  mov x21, #0
registers:
  movz w1, #0xd530, lsl #16
  orr w1, w1, w21, lsl #5
  mov x0, #0
  bl try
  mov x24, x0
  cbnz x9, writing
  mov w2, #82
  bl report
writing:
  movz w1, #0xd510, lsl #16
  orr w1, w1, w21, lsl #5
  mov x0, x24
  bl try
  cbnz x9, following
  mov w2, #87
  bl report
following:
  add x21, x21, #1
  cmp x21, #8, lsl #12
  b.ne registers
  mov x21, #0
operations:
  ubfx w2, w21, #7, #4
  sub w2, w2, #7
  cmp w2, #1
  b.hi skipped
  movz w1, #0xd508, lsl #16
  orr w1, w1, w21, lsl #5
  mov x0, #0x40200000
  bl try
  cbnz x9, skipped
  mov w2, #83
  bl report
skipped:
  add x21, x21, #1
  cmp x21, #4, lsl #12
  b.ne operations
  mov w0, #0x18                // SYS_EXIT
  mov x1, #0x40200000
  mov x2, #0x26
  movk x2, #2, lsl #16
  str x2, [x1]
  str xzr, [x1, #8]
  hlt #0xf000
try:
  mov x28, x30
  str w1, [x22]
  dc cvau, x22
  dsb sy
  ic ivau, x22
  dsb sy
  isb
  mov x9, #0
  blr x22
  mov x30, x28
  ret
report:
  str w2, [x20]
  mov w3, #16
digit:
  sub w3, w3, #4
  lsr w4, w21, w3
  and w4, w4, #15
  add w4, w4, #65              // A to P
  str w4, [x20]
  cbnz w3, digit
  mov w4, #10
  str w4, [x20]
  ret
${LEVELS.map(vectors).join('\n')}
`;

/** `R`, `W` or `S` with the id, as `S3_0_C1_C0_0`. */
function named(kind: string, id: number): string {
  const at = [id >> 14, (id >> 11) & 7, (id >> 7) & 15, (id >> 3) & 15, id & 7];
  return `${kind} S${String(at[0])}_${String(at[1])}_C${String(at[2])}_C${String(at[3])}_${String(at[4])}`;
}

async function theirs(el: Level): Promise<ReadonlySet<string>> {
  const folder = tempDir();
  const image = join(folder, 'image');
  writeFileSync(image, new Uint8Array(assembleProgram(program(el)).words.buffer));
  const board = [
    '-M',
    'virt,secure=on,virtualization=on,gic-version=3',
    '-cpu',
    'cortex-a57',
    '-nic',
    'none',
  ];
  const quiet = ['-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-semihosting'];
  const { stdout } = await run('qemu-system-aarch64', [...board, ...quiet, '-bios', image], {
    timeout: 60_000,
  });
  return new Set(
    stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const value = Array.from(line.slice(1), (letter) => letter.charCodeAt(0) - 65).reduce(
          (sum, digit) => sum * 16 + digit,
          0,
        );
        return named(line[0] ?? '', line.startsWith('S') ? 0x4000 | value : 0x8000 | value);
      }),
  );
}

/** True when an access or an instruction takes no exception here. */
function isHere(el: Level, kind: 'R' | 'W' | 'S', id: number): boolean {
  if (kind === 'S' ? systemInstructionName(id) === undefined : registerById(id) === undefined) return false;
  const m = trapMachine();
  apply(m, { CNTHCTL_EL2: 3n, ICC_SRE_EL1: 7n, ICC_SRE_EL2: 15n, ICC_SRE_EL3: 15n });
  m.enter(el);
  const before = m.cpu.counters.exceptions;
  const value = kind === 'S' ? BigInt(RAM) : 0n;
  try {
    if (kind === 'R') m.cpu.callHandler('mrs', [BigInt(id)]);
    else m.cpu.callHandler(kind === 'W' ? 'msr' : 'sys', [BigInt(id), value]);
  } catch {
    // The instruction ended in an exception, which is counted.
  }
  return m.cpu.counters.exceptions === before;
}

function ours(el: Level): ReadonlySet<string> {
  const found = new Set<string>();
  for (let n = 0; n < 0x8000; n++) {
    for (const kind of ['R', 'W'] as const)
      if (isHere(el, kind, 0x8000 | n)) found.add(named(kind, 0x8000 | n));
    const operation = 0x4000 | n;
    if (n < 0x4000 && isHere(el, 'S', operation)) found.add(named('S', operation));
  }
  return found;
}

/** What QEMU 7.2 has not, by name with the reason. */
const DIFFERENT: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['OSDTRRX_EL1', 'OSDTRTX_EL1', 'DBGDTR_EL0', 'DBGDTRRX_EL0', 'OSECCR_EL1', 'DBGPRCR_EL1'].map((name) => [
      name,
      'of an external debugger, which QEMU leaves out; mandatory (DDI 0487 H8, D17.3)',
    ]),
  ),
  ...Object.fromEntries(
    ['DBGCLAIMSET_EL1', 'DBGCLAIMCLR_EL1', 'DBGAUTHSTATUS_EL1'].map((name) => [
      name,
      'left out by QEMU 7.2; mandatory (DDI 0487 D17.3)',
    ]),
  ),
  RMR_EL3: 'optional where AArch64 is the only state (DDI 0487 D17.2, RMR_EL3)',
};
const nameOf = (text: string): string => {
  const [op0 = 0, op1 = 0, CRn = 0, CRm = 0, op2 = 0] = [...text.matchAll(/\d+/g)].map(Number);
  return registerById((op0 << 14) | (op1 << 11) | (CRn << 7) | (CRm << 3) | op2)?.name ?? text;
};

tools.describe('registers and system instructions', () => {
  for (const el of LEVELS) {
    tools.test(
      `at EL${String(el)} are those of QEMU`,
      async () => {
        const [here, there] = [ours(el), await theirs(el)];
        expect(there.size).toBeGreaterThan(100);
        const name =
          (kind: string) =>
          (text: string): string =>
            `${kind}: ${text[0] ?? ''} ${nameOf(text)}`;
        const differences = [
          ...[...here].filter((text) => !there.has(text)).map(name('here alone')),
          ...[...there].filter((text) => !here.has(text)).map(name('QEMU alone')),
        ];
        const registers = differences.map((text) => text.replace(/^.* /, ''));
        expect(differences.filter((_, i) => DIFFERENT[registers[i] ?? ''] === undefined)).toEqual([]);
        // A difference that is none any more is struck from the list.
        if (el === 3)
          expect(Object.keys(DIFFERENT).filter((register) => !registers.includes(register))).toEqual([]);
      },
      120_000,
    );
  }
});
