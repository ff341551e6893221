// `worldswitch rewrite`, and the names of the systems whose kernel is rewritten.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { tiny, tinyElf } from '@worldswitch/guests';
import { tempDir } from '@worldswitch/test-tools';

import { namedSystems } from '../src/compare/system.ts';
import { program } from '../src/program.ts';

const folder = tempDir();

async function printed(...args: readonly string[]): Promise<string> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((more) => {
    text += String(more);
    return true;
  });
  await program().parseAsync(['node', 'worldswitch', ...args]);
  return text;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('worldswitch rewrite', () => {
  it('counts instructions, and prints words before and after', async () => {
    const text = await printed('rewrite', 'tiny', '--words', '1');
    expect(text).toMatch(/bytes of code, as its file says/);
    expect(text).toMatch(/^msr daifset +8 +- +- +-$/m);
    expect(text).toMatch(/^eret +- +- +4 +-$/m);
    expect(text).toMatch(/^0x40200040 {2}d5034fdf {2}17f7bff0 {2}msr daifset, #0xf +b 0x3fff0000$/m);
    expect(text).toMatch(/and \d+ more: --words \d+/);
  });

  it('has all of it for programs: each word that differs is one of the counts', async () => {
    const text = await printed('rewrite', 'tiny', '--with', 'trap', '--json');
    const { method, exact, changes, left } = JSON.parse(text) as Record<string, readonly unknown[]>;
    expect([method, exact, left?.length]).toEqual(['trap', true, 0]);
    expect(changes?.length).toBeGreaterThan(100);
    expect(changes?.[0]).toEqual({
      at: 0x4020_0040,
      before: 0xd503_4fdf,
      after: 0xd410_0001,
      with: 'trap',
    });
  });

  it.each([
    [['--words', 'many'], '--words many: must be a whole number'],
    [['--kernel', '/nowhere'], '--kernel'],
    [['--kernel', import.meta.filename], /is neither an arm64 Image nor an ELF file$/],
    [['--elf', '/nowhere'], '--elf /nowhere: is for a kernel of your own, --kernel FILE'],
    [['--with', 'care'], 'Allowed choices are trap, fix-up, vectors'],
  ])('%s is a mistake', async (args, message) => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await expect(printed('rewrite', 'tiny', ...args)).rejects.toThrow(message);
  });

  const image = fileURLToPath(tiny.image);
  const json = ['--with', 'trap', '--json'];

  it('takes the places of code from the ELF file of an Image, by its virtual addresses as those of Linux are', async () => {
    const content = readFileSync(tinyElf);
    const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
    // Each segment's physical address is its virtual one.
    for (let at = 64; at < 64 + 56 * view.getUint16(56, true); at += 56)
      view.setBigUint64(at + 24, view.getBigUint64(at + 16, true), true);
    const elf = join(folder, 'vmlinux');
    writeFileSync(elf, content);
    const [named, known] = [
      await printed('rewrite', 'tiny', ...json),
      await printed('rewrite', '--kernel', image, '--elf', elf, ...json),
    ];
    expect(JSON.parse(known)).toEqual(JSON.parse(named));
    // To the byte: text is not a number of pages long.
    const { code } = JSON.parse(known) as { code: readonly { readonly size: number }[] };
    expect(code.reduce((sum, { size }) => sum + size, 0) % 0x800).not.toBe(0);
    await expect(printed('rewrite', '--kernel', elf)).rejects.toThrow('give the Image that is made of it');
  });

  it('and not from another one', async () => {
    const other = fileURLToPath(tinyElf).replace('tiny.elf', 'probe.elf');
    await expect(printed('rewrite', '--kernel', image, '--elf', other)).rejects.toThrow(
      /--elf .*probe.elf: is not of this kernel, whose code at 0x40200040 is another/,
    );
    await expect(printed('rewrite', '--kernel', image, '--elf', image)).rejects.toThrow(
      /--elf .*: is no ELF file/,
    );
  });

  it('does not fetch a hypervisor, whose kernel no VM runs', async () => {
    await expect(printed('rewrite', 'xen')).rejects.toThrow('needs an EL2 that a VM has not');
  });
});

it('compare knows the rewritten kernels, each by its name, and refuses what they do not do', () => {
  const [native, fixUp] = namedSystems('rewritten:fix-up,native');
  expect([native?.name, fixUp?.name]).toEqual(['native', 'rewritten:fix-up']);
  expect(fixUp?.refuses({ cpus: 2 })).toBe('it rewrites for one CPU');
  expect(() => namedSystems('rewritten:well')).toThrow('there is no system "rewritten:well"');
});
