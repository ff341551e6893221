// The rows of `controls.ts` on QEMU's `virt` board with EL3: the rows are right, or QEMU differs and the Arm ARM's section says why.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'vitest';

import { requireTool, tempDir } from '@worldswitch/test-tools';

import { registerByName } from '../../src/cpu/sysregs/table.ts';
import { assemble, assembleProgram } from '../../src/syntax/index.ts';
import { controls, undefining } from './controls.ts';
import { trapped, untrapped } from './expectations.ts';
import type { Settings, Taken } from './rig.ts';

const tools = requireTool('qemu-system-aarch64');
const run = promisify(execFile);

/** What every case starts from. Translation is off. */
const BASE: Settings = {
  SCR_EL3: 0x531n,
  HCR_EL2: 0x8000_0000n,
  CPTR_EL2: 0x33ffn,
  CPTR_EL3: 0n,
  CPACR_EL1: 0x30_0000n,
  SCTLR_EL1: 0x30d0_1980n,
  SCTLR_EL2: 0x30c5_0830n,
  MDCR_EL2: 6n,
  MDCR_EL3: 0n,
  MDSCR_EL1: 0n,
  PMUSERENR_EL0: 0n,
  CNTKCTL_EL1: 0n,
  CNTHCTL_EL2: 0n,
  ICC_SRE_EL3: 15n,
  ICC_SRE_EL2: 15n,
  ICH_HCR_EL2: 0n,
  ESR_EL1: 0n,
};

interface Case {
  readonly name: string;
  readonly settings: Settings;
  readonly el: number;
  readonly instruction: string;
  readonly expected: Taken | undefined;
}

/** Debug registers that QEMU leaves out. */
const ABSENT = /dbgclaim|dbgdtr|osdtr|oseccr|dbgprcr|dbgauthstatus/;
/** WFI would wait where it is not trapped, and QEMU's WFE never waits. */
const isWait = (instruction: string): boolean => /^wf[ie]$/.test(instruction);

const cases: readonly Case[] = [...controls, ...undefining].flatMap((control) =>
  control.instructions.flatMap((instruction) =>
    [0, 1, 2, 3].flatMap((el) =>
      [true, false].flatMap((isOn): Case[] => {
        const settings = isOn ? control.on : control.off;
        const isSecure = settings['SCR_EL3'] !== undefined && (settings['SCR_EL3'] & 1n) === 0n;
        const smd = control.field === 'SCR_EL3.SMD' && isOn;
        // The cases come back to EL3 by SMC; the Secure state has no EL2.
        if (isWait(instruction) || ABSENT.test(instruction) || smd || (isSecure && el === 2)) return [];
        const expected = (isOn ? trapped : untrapped)(control, el, instruction);
        const name = `${control.field} ${isOn ? 'on' : 'off'}, EL${String(el)}: ${instruction}`;
        return [{ name, settings, el, instruction, expected }];
      }),
    ),
  ),
);

const msr = (name: string): number => (0xd510_0000 | ((registerByName(name).id & 0x7fff) << 5)) >>> 0;
/** A case's data: level, instruction, number of registers, then for each the MSR that sets it and the value. */
function dataOf({ settings, el, instruction }: Case): string {
  const registers = Object.entries({ ...BASE, ...settings }).map(([name, value]) => {
    // M and C off.
    const plain = name.startsWith('SCTLR') ? value & ~5n : value;
    return `.quad ${String(msr(name))}\n.quad ${String(plain)}`;
  });
  const head = [el === 0 ? 0x3c0 : 0x3c1 | (el << 2), assemble(instruction, 0), registers.length];
  return [...head.map((n) => `.quad ${String(n)}`), ...registers].join('\n');
}

/** Vectors of EL1 and EL2: X23 is the level that took the exception first; EL3 reads its syndrome. */
const vectors = (el: 1 | 2): string => `
.balign 2048
vectors${String(el)}:
${Array.from(
  { length: 16 },
  (_, n) => `.balign 128
cbnz x23, up${String(el)}_${String(n)}
mov x23, #${String(el)}
up${String(el)}_${String(n)}: smc #0xfff
`,
).join('')}`;

const PROGRAM = (body: string): string => `
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
  mov x21, #0x10000            // the cases, in the flash
  mov x22, #0x40100000         // the instruction under test, and UDF; an MSR and RET
  str wzr, [x22, #4]
  movz w1, #0x03c0
  movk w1, #0xd65f, lsl #16
  str w1, [x22, #12]
next:
  ldr x26, [x21], #8
  ldr x27, [x21], #8
  ldr x28, [x21], #8
  cmn x26, #1
  b.eq finish
set:
  cbz x28, ready
  ldr x1, [x21], #8
  ldr x0, [x21], #8
  str w1, [x22, #8]
  add x2, x22, #8
  dc cvau, x2
  dsb sy
  ic ivau, x2
  dsb sy
  isb
  blr x2
  isb
  sub x28, x28, #1
  b set
ready:
  str w27, [x22]
  dc cvau, x22
  dsb sy
  ic ivau, x22
  dsb sy
  isb
  msr spsr_el3, x26
  msr elr_el3, x22
  mov x0, #0x40200000
  mov x3, #0
  mov x23, #0
  eret
recorded:
  msr cptr_el3, xzr
  mrs x24, esr_el1
  mrs x25, elr_el1
  cmp x23, #1
  b.eq known
  mrs x24, esr_el2
  mrs x25, elr_el2
  cmp x23, #2
  b.eq known
  mrs x24, esr_el3
  mrs x25, elr_el3
known:
  // 'completes' is the UDF behind.
  add x0, x22, #4
  cmp x25, x0
  b.ne taken
  lsr x1, x24, #26
  cbnz x1, taken
  mov x23, #30
taken:
  add w23, w23, #48
  str w23, [x20]
  mov w3, #32
digit:
  sub w3, w3, #4
  lsr w4, w24, w3
  and w4, w4, #15
  add w4, w4, #65              // A to P
  str w4, [x20]
  cbnz w3, digit
  mov w4, #10
  str w4, [x20]
  b next
finish:
  mov w0, #0x18                // SYS_EXIT
  mov x1, #0x40200000
  mov x2, #0x26
  movk x2, #2, lsl #16
  str x2, [x1]
  str xzr, [x1, #8]
  hlt #0xf000
${vectors(1)}
${vectors(2)}
.balign 2048
vectors3:
${Array.from(
  { length: 16 },
  (_, n) => `.balign 128
cbnz x23, leave${String(n)}
mov x23, #3
leave${String(n)}: b recorded
`,
).join('')}
.balign 65536
${body}
.quad 0xffffffffffffffff
.quad 0
.quad 0
`;

async function qemu(): Promise<readonly (Taken | undefined)[]> {
  const image = join(tempDir(), 'image');
  writeFileSync(image, new Uint8Array(assembleProgram(PROGRAM(cases.map(dataOf).join('\n'))).words.buffer));
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
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const esr = Array.from(line.slice(1), (letter) => letter.charCodeAt(0) - 65).reduce(
        (sum, d) => sum * 16 + d,
        0,
      );
      const el = line.charCodeAt(0) - 48;
      return el > 3 ? undefined : { el, ec: Math.floor(esr / 2 ** 26), iss: esr % 2 ** 25 };
    });
}

/** Where QEMU 7.2 is wrong or leaves something out, and the section that says so. */
const DIFFERENT: readonly (readonly [RegExp, string])[] = [
  [/^HCR_EL2\.TIDCP on, EL1/, 'QEMU has no such trap (DDI 0487, HCR_EL2.TIDCP)'],
  [
    /^SCTLR_EL1\.UMA on, EL0: msr daif(?:set|clr)/,
    'op1 and op2 are exchanged in the ISS (DDI 0487 D17.2.37)',
  ],
  [/^CNTHCTL_EL2\.EL1PCTEN on, EL0/, 'EL1PCTEN traps EL0 too (DDI 0487, CNTHCTL_EL2.EL1PCTEN)'],
  [
    /^MDCR_EL[23]\.TPM on, EL0/,
    'PMUSERENR_EL0.CR, SW and ER do not lift the trap (DDI 0487, MDCR_EL2.TPM, MDCR_EL3.TPM)',
  ],
  [/^MDCR_EL2\.TPMCR on/, 'QEMU has no such trap (DDI 0487, MDCR_EL2.TPMCR)'],
  [/^MDSCR_EL1\.TDCC on, EL0/, 'QEMU has no such trap (DDI 0487, MDSCR_EL1.TDCC)'],
  [
    /^ICC_SRE_EL[23]\.Enable on/,
    "Enable may read as one; QEMU's does, and ours can be cleared (IHI 0069, ICC_SRE_EL2)",
  ],
  [/EL3: hvc/, 'HVC at EL3 is taken to EL3 (DDI 0487 J1.1, AArch64.CallHypervisor())'],
];

const text = (taken: Taken | undefined): string =>
  taken === undefined
    ? 'completes'
    : `EL${String(taken.el)} EC=0x${taken.ec.toString(16)} ISS=0x${taken.iss.toString(16)}`;

tools.describe('the trap controls', () => {
  tools.test(
    'are those of QEMU',
    async () => {
      const there = await qemu();
      expect(there.length).toBe(cases.length);
      const differences = cases.flatMap(({ name, expected }, i) => {
        const [ours, theirs] = [text(expected), text(there[i])];
        return ours === theirs ? [] : [`${name}: ${ours}; QEMU ${theirs}`];
      });
      const isKnown = (line: string): boolean => DIFFERENT.some(([known]) => known.test(line));
      expect(differences.filter((line) => !isKnown(line))).toEqual([]);
      expect(DIFFERENT.filter(([known]) => !differences.some((line) => known.test(line)))).toEqual([]);
    },
    120_000,
  );
});
