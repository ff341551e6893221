// QEMU's virt board as an oracle for system registers: commands become a program that runs on its CPU at EL3, goes down to the
// level that a command names, and sends every answer through the UART.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where a command is executed: EL3 with SCR_EL3.NS clear or set, Secure EL1, Non-secure EL2 (also with SCR_EL3.FIQ), and a guest's EL1. */
export type Level = 'el3s' | 'el3ns' | 's1' | 'ns2' | 'ns2fiq' | 'guest';

/** A command; reads and MRS answer. */
export type Step =
  | { readonly kind: 'read'; readonly level: Level; readonly at: number; readonly width: 1 | 4 }
  | {
      readonly kind: 'write';
      readonly level: Level;
      readonly at: number;
      readonly width: 1 | 4;
      readonly value: number;
    }
  | { readonly kind: 'mrs'; readonly level: Level; readonly name: string }
  | { readonly kind: 'msr'; readonly level: Level; readonly name: string; readonly value: bigint };

/** op0 is 3: op1, CRn, CRm, op2. */
const encodings: Readonly<Record<string, readonly [number, number, number, number]>> = {
  SCR_EL3: [6, 1, 1, 0],
  HCR_EL2: [4, 1, 1, 0],
  SPSR_EL3: [6, 4, 0, 0],
  ELR_EL3: [6, 4, 0, 1],
  VBAR_EL3: [6, 12, 0, 0],
  ICC_PMR_EL1: [0, 4, 6, 0],
  ICC_IAR0_EL1: [0, 12, 8, 0],
  ICC_EOIR0_EL1: [0, 12, 8, 1],
  ICC_HPPIR0_EL1: [0, 12, 8, 2],
  ICC_BPR0_EL1: [0, 12, 8, 3],
  ICC_AP0R0_EL1: [0, 12, 8, 4],
  ICC_AP1R0_EL1: [0, 12, 9, 0],
  ICC_DIR_EL1: [0, 12, 11, 1],
  ICC_RPR_EL1: [0, 12, 11, 3],
  ICC_SGI1R_EL1: [0, 12, 11, 5],
  ICC_ASGI1R_EL1: [0, 12, 11, 6],
  ICC_SGI0R_EL1: [0, 12, 11, 7],
  ICC_IAR1_EL1: [0, 12, 12, 0],
  ICC_EOIR1_EL1: [0, 12, 12, 1],
  ICC_HPPIR1_EL1: [0, 12, 12, 2],
  ICC_BPR1_EL1: [0, 12, 12, 3],
  ICC_CTLR_EL1: [0, 12, 12, 4],
  ICC_SRE_EL1: [0, 12, 12, 5],
  ICC_IGRPEN0_EL1: [0, 12, 12, 6],
  ICC_IGRPEN1_EL1: [0, 12, 12, 7],
  ICC_CTLR_EL3: [6, 12, 12, 4],
  ICC_IGRPEN1_EL3: [6, 12, 12, 7],
  ICH_AP0R0_EL2: [4, 12, 8, 0],
  ICH_AP1R0_EL2: [4, 12, 9, 0],
  ICH_HCR_EL2: [4, 12, 11, 0],
  ICH_MISR_EL2: [4, 12, 11, 2],
  ICH_EISR_EL2: [4, 12, 11, 3],
  ICH_ELRSR_EL2: [4, 12, 11, 5],
  ICH_VMCR_EL2: [4, 12, 11, 7],
  ICH_LR0_EL2: [4, 12, 12, 0],
  ICH_LR1_EL2: [4, 12, 12, 1],
  ICH_LR2_EL2: [4, 12, 12, 2],
  ICH_LR3_EL2: [4, 12, 12, 3],
};

function systemMove(name: string, isRead: boolean): number {
  const found = encodings[name];
  if (found === undefined) throw new Error(`no encoding of ${name}`);
  const [op1, crn, crm, op2] = found;
  return ((isRead ? 0xd538_0000 : 0xd518_0000) | (op1 << 16) | (crn << 12) | (crm << 8) | (op2 << 5)) >>> 0;
}

const code = 0x4100_0000;
const data = 0x4200_0000;
const results = 0x4300_0000;
const uart = 0x0900_0000;
const vectors = 0x800;
const finish = 0x1000;
const start = 0x1100;

/** Instructions, with x28 at the next operand, x29 at the next answer. */
const op = {
  /** movz xd, #value, lsl #16. */
  high: (register: number, value: number): number => (0xd2a0_0000 | ((value >>> 16) << 5) | register) >>> 0,
  /** ldr xt, [x28], #8. */
  operand: (register: number): number => (0xf840_8400 | (28 << 5) | register) >>> 0,
  /** str x0, [x29], #8. */
  answer: (0xf800_8400 | (29 << 5)) >>> 0,
  load: { 1: 0x3940_0020, 4: 0xb940_0020 },
  store: { 1: 0x3900_0020, 4: 0xb900_0020 },
  /** adr x0, to so many bytes on. */
  here: (bytes: number): number => (0x1000_0000 | ((bytes >> 2) << 5)) >>> 0,
  branch: (bytes: number): number => (0x1400_0000 | ((bytes >> 2) & 0x3ff_ffff)) >>> 0,
  isb: 0xd503_3fdf,
  dsb: 0xd503_3f9f,
  eret: 0xd69f_03e0,
  smc: 0xd400_0003,
  /** br x0. */
  jump: 0xd61f_0000,
} as const;

/** SCR_EL3 (RW and its RES1 bits, NS, FIQ) and, where it is lower than EL3, SPSR_EL3. */
const levels: Readonly<Record<Level, readonly [scr: bigint, spsr?: bigint]>> = {
  el3s: [0x430n],
  el3ns: [0x431n],
  s1: [0x430n, 0x3c5n],
  ns2: [0x431n, 0x3c9n],
  ns2fiq: [0x435n, 0x3c9n],
  guest: [0x431n, 0x3c5n],
};

/** The program and its operands. */
function assemble(steps: readonly Step[]): {
  readonly words: readonly number[];
  readonly operands: readonly bigint[];
  readonly answers: number;
} {
  const operands: bigint[] = [];
  const words: number[] = [];
  let answers = 0;
  const put = (...more: readonly number[]): void => {
    words.push(...more);
  };
  const set = (name: string, value: bigint): void => {
    operands.push(value);
    put(op.operand(0), systemMove(name, false));
  };
  put(op.high(28, data), op.high(29, results));
  set('VBAR_EL3', BigInt(code + vectors));
  set('SCR_EL3', 0x431n);
  set('HCR_EL2', 0x8000_0018n); // RW, IMO, FMO
  for (const step of steps) {
    const [scr, spsr] = levels[step.level];
    set('SCR_EL3', scr);
    if (spsr === undefined) put(op.isb);
    else {
      set('SPSR_EL3', spsr);
      put(op.here(16), systemMove('ELR_EL3', false), op.isb, op.eret);
    }
    if (step.kind === 'mrs') put(systemMove(step.name, true), op.answer);
    else if (step.kind === 'msr') set(step.name, step.value);
    else {
      operands.push(BigInt(step.at));
      put(op.operand(1));
      if (step.kind === 'read') put(op.load[step.width], op.answer);
      else {
        operands.push(BigInt(step.value));
        put(op.operand(0), op.store[step.width]);
      }
    }
    put(op.dsb, op.isb);
    if (spsr !== undefined) put(op.smc);
    if (step.kind === 'mrs' || step.kind === 'read') answers++;
  }
  put(op.branch(finish - (start + 4 * words.length)));
  return { words, operands, answers };
}

/** Sends every byte of the answers through the UART, and ends QEMU. */
const sending: readonly number[] = [
  op.high(2, results),
  op.high(3, uart),
  0xeb1d_005f, // cmp x2, x29
  0x5400_0082, // b.hs, past the loop
  0x3840_1440, // ldrb w0, [x2], #1
  0x3900_0060, // strb w0, [x3]
  0x17ff_fffc, // b, to the comparison
  0xd280_0300, // movz x0, #0x18: semihosting's SYS_EXIT
  0xd45e_0000, // hlt #0xf000
];

/**
 * The image: a branch to the program, the vectors, the end, the program. A call from below goes on where it came from, at EL3; any other
 * exception is the end.
 */
function image(words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(start + 4 * words.length);
  const put = (at: number, ...more: readonly number[]): void => {
    more.forEach((word, i) => bytes.writeUInt32LE(word, at + 4 * i));
  };
  put(0, op.branch(start));
  for (let at = vectors; at < finish; at += 0x80) put(at, op.branch(finish - at));
  put(vectors + 0x400, systemMove('ELR_EL3', true), op.jump);
  put(finish, ...sending);
  put(start, ...words);
  return bytes;
}

/** Runs steps; returns the answers of those that have one, up to the first that ends in an exception. */
export async function onQemuCpu(steps: readonly Step[]): Promise<readonly bigint[]> {
  const { words, operands, answers } = assemble(steps);
  const folder = await mkdtemp(join(tmpdir(), 'gicv3-'));
  try {
    const [program, table] = [join(folder, 'program'), join(folder, 'operands')];
    const bytes = Buffer.alloc(8 * operands.length);
    operands.forEach((value, i) => bytes.writeBigUInt64LE(value, 8 * i));
    await writeFile(program, image(words));
    await writeFile(table, bytes);
    const out = await run(program, table);
    return Array.from({ length: Math.min(answers, out.length >>> 3) }, (_, i) => out.readBigUInt64LE(8 * i));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function run(program: string, table: string): Promise<Buffer> {
  const options = [
    '-M virt,gic-version=3,virtualization=on,secure=on -cpu cortex-a57',
    '-display none -nodefaults -nic none -serial stdio -monitor none',
    '-semihosting-config enable=on,target=native',
    `-device loader,file=${program},addr=0x${code.toString(16)},force-raw=on,cpu-num=0`,
    `-device loader,file=${table},addr=0x${data.toString(16)},force-raw=on`,
  ];
  const child = spawn(
    'qemu-system-aarch64',
    options.flatMap((each) => each.split(' ')),
  );
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let complaints = '';
    const deadline = setTimeout(() => child.kill('SIGKILL'), 30_000);
    child.stderr.on('data', (text: Buffer) => (complaints += text.toString()));
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (_, signal) => {
      clearTimeout(deadline);
      if (signal === null) resolve(Buffer.concat(chunks));
      else reject(new Error(`QEMU did not end: ${complaints}`));
    });
  });
}
