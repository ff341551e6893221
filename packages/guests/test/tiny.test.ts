// tiny on QEMU's `virt`: what it does there is what it must do on any machine.
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'vitest';

import { tinyElf, tinyImage } from '@worldswitch/guests';
import { requireTool, tempDir } from '@worldswitch/test-tools';

import { QEMU, runOnQemu } from './qemu.ts';

const gate = requireTool(QEMU);

/** The self-test's verdict: its sum, and the checks that did not hold. */
function verdict(text: string): { ok: number; failed: number; broken: string[] } {
  const sum = /^selftest: (\d+) ok, (\d+) failed$/m.exec(text);
  if (!sum) throw new Error(`no sum of the self-test in:\n${text}`);
  const checks = [...text.matchAll(/^selftest: (.+) \.\.\. (\w+)$/gm)];
  expect(checks.length).toBe(Number(sum[1]) + Number(sum[2]));
  return {
    ok: Number(sum[1]),
    failed: Number(sum[2]),
    broken: checks.filter((check) => check[2] !== 'ok').map((check) => check[1] ?? ''),
  };
}

const CHECKS = 60;

gate.describe('self-test', () => {
  for (const el2 of [false, true]) {
    for (const [format, image] of [
      ['Image', tinyImage],
      ['ELF', tinyElf],
    ] as const) {
      gate.test(`all checks hold: ${format}, entered at EL${el2 ? 2 : 1}`, async () => {
        const text = await runOnQemu(image, { el2, append: 'selftest poweroff' });
        expect(text.split('\n')[0]).toBe(`tiny: booting at EL${el2 ? 2 : 1}, 128 MiB`);
        expect(verdict(text)).toEqual({ ok: CHECKS, failed: 0, broken: [] });
      });
    }
  }

  gate.test('a check that does not hold is seen', async () => {
    const text = await runOnQemu(tinyImage, { append: 'selftest-broken poweroff' });
    expect(verdict(text)).toEqual({ ok: CHECKS, failed: 1, broken: ['deliberately broken'] });
  });
});

gate.test('the benchmarks print a table', async () => {
  const text = await runOnQemu(tinyImage, { append: 'bench poweroff' });
  const names = [...text.matchAll(/^bench: (\S+) +\d+ iterations +\d+\.\d ns$/gm)].map((m) => m[1]);
  expect(names).toEqual([
    ...['null-syscall', 'context-switch', 'pipe-round-trip', 'pipe-4096-bytes', 'fork-exit-wait', 'exec'],
    ...['page-fault', 'copy-on-write', 'pte-store', 'pte-store-tlbi', 'irq-mask-unmask'],
    ...['mmio-gicd', 'mmio-pl011', 'timer-latency'],
  ]);
});

gate.describe('shell', () => {
  gate.test('runs what is typed', async () => {
    const text = await runOnQemu(tinyImage, {
      typed: [
        'echo one   two\n',
        'cat readme | wc\n',
        'crash null\n',
        'nonsense\n',
        'echo x |\n',
        'poweroff\n',
      ],
    });
    expect(text).toContain('tiny$ echo one   two\none two\n');
    expect(text).toMatch(/^3 42 222$/m);
    expect(text).toMatch(/^crash: data abort at PC 0x\w+, address 0x8 \(ESR 0x92000007\)$/m);
    expect(text).toContain("sh: there is no program 'nonsense'; try help\n");
    expect(text).toContain("sh: a program is missing beside '|'\n");
  });

  gate.test('loses nothing of a long input that comes at once', async () => {
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join('');
    // Control-D ends the input of wc, whose counts come when all of it has been read: no echo mixes with them.
    const text = await runOnQemu(tinyImage, { typed: [`wc\n${lines}\x04`, 'poweroff\n'] });
    expect(text).toContain(`\n100 200 ${lines.length}\n`);
  });

  gate.test('a word of bootargs that is no program is reported, and the shell comes', async () => {
    const text = await runOnQemu(tinyImage, { append: 'nonsense', typed: ['poweroff\n'] });
    expect(text).toContain("init: there is no program 'nonsense'\n");
    expect(text).toContain('tiny$ ');
  });
});

gate.test('an initrd and another memory size are taken from the device tree', async () => {
  const initrd = path.join(tempDir(), 'initrd');
  writeFileSync(initrd, 'a b c\nd\n');
  const text = await runOnQemu(tinyImage, {
    el2: true,
    append: 'selftest',
    initrd,
    typed: ['cat initrd | wc\n', 'poweroff\n'],
    extra: ['-m', '32'],
  });
  expect(text).toContain('tiny: booting at EL2, 32 MiB\n');
  expect(text).toMatch(/^2 4 8$/m);
  expect(verdict(text).failed).toBe(0);
});
