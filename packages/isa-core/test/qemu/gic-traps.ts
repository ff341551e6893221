// A program for QEMU's virt board that makes accesses to system registers at EL1 and EL2 under controls that EL3 sets first, and
// sends through the UART what became of each: the level that took an exception, and its syndrome.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { assemble } from '../../src/syntax/index.ts';

/** One access. */
export interface Attempt {
  /** 1 or 2. */
  readonly el: number;
  /** One instruction, with X3 as its register. */
  readonly instruction: string;
  readonly scr: bigint;
  readonly hcr: bigint;
  /** ICH_HCR_EL2. */
  readonly ich: bigint;
}

/** Where it ended: the level and ESR of an exception; zeros where it completed. */
export interface Outcome {
  readonly el: number;
  readonly esr: number;
}

const code = 0x4100_0000;
const operands = 0x4200_0000;
const [vectors1, vectors2, vectors3, finish, start] = [0x800, 0x1000, 0x1800, 0x2000, 0x2100];

const lines = (...text: readonly string[]): readonly number[] => text.map((line) => assemble(line, 0));
/** adr xd, to so many bytes on. */
const adr = (register: number, bytes: number): number => (0x1000_0000 | ((bytes >> 2) << 5) | register) >>> 0;
const branch = (bytes: number): number => (0x1400_0000 | ((bytes >> 2) & 0x3ff_ffff)) >>> 0;

const setFromOperand = (name: string): readonly number[] => lines('ldr x0, [x28], #8', `msr ${name}, x0`);

/** EL3 prepares, goes down, and is called back by the access's exception or by the SMC behind it. */
function attempt({ instruction }: Attempt): readonly number[] {
  const prepare = ['SCR_EL3', 'HCR_EL2', 'ICH_HCR_EL2', 'SPSR_EL3'].flatMap(setFromOperand);
  const words = lines('movz x1, #0', 'movz x3, #0', 'isb', 'eret', instruction, 'smc #0');
  return [
    ...prepare,
    adr(27, 4 * (3 + words.length)), // behind the SMC
    adr(0, 4 * (2 + 4)), // the instruction
    ...lines('msr ELR_EL3, x0'),
    ...words,
    ...lines('str x0, [x29], #8', 'str x1, [x29], #8'),
  ];
}

const calls = (el: number): readonly number[] => lines(`mrs x0, ESR_EL${el}`, `movz x1, #${el}`, 'smc #0');

function image(attempts: readonly Attempt[]): Buffer {
  const prologue = [
    ...lines('movz x28, #0x4200, lsl #16', 'movz x29, #0x4300, lsl #16'),
    ...[1, 2, 3].flatMap((el) => setFromOperand(`VBAR_EL${el}`)),
  ];
  const program = [...prologue, ...attempts.flatMap(attempt)];
  const bytes = Buffer.alloc(start + 4 * (program.length + 1));
  const put = (at: number, words: readonly number[]): void => {
    words.forEach((word, i) => bytes.writeUInt32LE(word, at + 4 * i));
  };
  put(0, [branch(start)]);
  // What nobody expects is the end.
  for (let at = vectors1; at < finish; at += 0x80) put(at, [branch(finish - at)]);
  put(vectors1 + 0x200, calls(1));
  put(vectors2 + 0x200, calls(2));
  put(vectors2 + 0x400, calls(2));
  // X1 says whether a lower level has something to tell; else it is EL3's own exception, or the SMC behind the access.
  put(vectors3 + 0x400, [0xb500_0061, ...lines('mrs x0, ESR_EL3', 'movz x1, #3', 'br x27')]); // cbnz x1, past the two
  put(finish, [
    ...lines('movz x2, #0x4300, lsl #16', 'movz x3, #0x900, lsl #16', 'cmp x2, x29'),
    0x5400_0082, // b.hs, past the loop
    ...lines('ldrb w0, [x2], #1', 'strb w0, [x3]'),
    branch(-16),
    ...lines('movz x0, #0x18', 'hlt #0xf000'), // semihosting's SYS_EXIT
  ]);
  put(start, [...program, branch(finish - start - 4 * program.length)]);
  return bytes;
}

/** Debug, SError, IRQ and FIQ masked; the level with its own SP. */
const spsr = (el: number): bigint => 0x3c1n | BigInt(el << 2);

function operandsOf(attempts: readonly Attempt[]): Buffer {
  const values = [
    ...[vectors1, vectors2, vectors3].map((offset) => BigInt(code + offset)),
    ...attempts.flatMap(({ el, scr, hcr, ich }) => [scr, hcr, ich, spsr(el)]),
  ];
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => bytes.writeBigUInt64LE(value, 8 * i));
  return bytes;
}

/** EC of SMC from AArch64: what ends an access that completed. */
const SMC = 0x17;

/** Runs attempts on QEMU's Cortex-A57. */
export async function onQemu(attempts: readonly Attempt[]): Promise<readonly Outcome[]> {
  const folder = await mkdtemp(join(tmpdir(), 'traps-'));
  try {
    const [program, table] = [join(folder, 'program'), join(folder, 'operands')];
    await writeFile(program, image(attempts));
    await writeFile(table, operandsOf(attempts));
    const out = await run(program, table);
    if (out.length !== 16 * attempts.length) {
      throw new Error(`QEMU answered ${out.length / 16} of ${attempts.length} accesses`);
    }
    return attempts.map((_, i) => {
      const [esr, el] = [Number(out.readBigUInt64LE(16 * i)), Number(out.readBigUInt64LE(16 * i + 8))];
      return el === 3 && esr >>> 26 === SMC ? { el: 0, esr: 0 } : { el, esr };
    });
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
    `-device loader,file=${table},addr=0x${operands.toString(16)},force-raw=on`,
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
