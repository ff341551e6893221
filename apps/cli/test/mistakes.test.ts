// Mistakes of a user's: one line on standard error that names what is wrong, and exit status 2.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { tempDir } from '@worldswitch/test-tools';

const folder = tempDir();
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

/** What the command prints on standard error, and its exit status. */
async function command(...args: readonly string[]): Promise<{ status: unknown; errors: string }> {
  let errors = '';
  vi.resetModules();
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += String(text);
    return true;
  });
  const { argv, exitCode } = process;
  process.argv = ['node', 'worldswitch', ...args];
  try {
    await import('../src/main.ts');
    return { status: process.exitCode, errors };
  } finally {
    process.argv = argv;
    process.exitCode = exitCode;
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

const image = new Uint8Array(4096);
new DataView(image.buffer).setUint32(56, 0x644d_5241, true);
new DataView(image.buffer).setUint32(16, 0x1000_0000, true);
const elf = new Uint8Array(64);
elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
elf.set([2, 0, 62], 16);

const overlap = `devices:
  - { name: serial, type: pl011, at: 0x0900_0000, interrupts: { irq: 1 } }
  - { name: other, type: pl011, at: 0x0900_0800, interrupts: { irq: 2 } }`;

describe('one line and status 2', () => {
  test.each([
    ['no guest', ['run'], /nothing to run/],
    ['an unknown guest', ['run', 'plan9'], /no guest is called "plan9"/],
    [
      'a kernel that is not there',
      ['run', '--kernel', join(folder, 'none')],
      /--kernel .*none: there is no such file/,
    ],
    ['a folder', ['run', '--kernel', folder], /--kernel .*: it is a folder/],
    [
      'a text',
      ['run', '--kernel', file('text', 'hello, world')],
      /text: is neither an arm64 Image nor an ELF/,
    ],
    [
      'an ELF file of another machine',
      ['run', '--kernel', file('elf', elf)],
      /elf: is an ELF file .* machine 62/,
    ],
    [
      'a kernel cut short',
      ['run', '--kernel', file('gz', Uint8Array.of(0x1f, 0x8b, 8, 0))],
      /gz: .*cut short/,
    ],
    [
      'a kernel larger than memory',
      ['run', '-m', '16M', '--kernel', file('Image', image)],
      /memory: 16 MiB hold/,
    ],
    ['an unknown CPU model', ['run', 'tiny', '--cpu', 'cortex-m3'], /'cortex-m3' is invalid.*cortex-a57/],
    ['no size', ['run', 'tiny', '-m', 'much'], /memory: must be/],
    ['an option that is none', ['run', 'tiny', '--nonsense'], /unknown option '--nonsense'/],
    ['no device tree', ['run', 'tiny', '--dtb', file('dtb', 'nonsense')], /dtb: is not a device tree blob/],
    ['no snapshot', ['run', '--restore', file('snap', 'nonsense')], /snapshot is no snapshot/],
    ['a terminal that is not there', ['run', 'tiny', '--terminal', 'modem'], /--terminal: .*modem.*serial/],
    ['no number of CPUs', ['run', 'tiny', '--smp', '0'], /--smp 0: cpus must be 1 to 8/],
    ['a kernel at EL3', ['run', 'debian', '-M', 'virt,secure=on'], /--el3: debian starts at EL2 or EL1/],
    ['no GIC', ['run', 'tiny', '--gic', '5'], /--gic 5: must be 2 or 3/],
    [
      'a drive that is not there',
      ['run', 'tiny', '-drive', join(folder, 'none')],
      /--drive .*none: is not there/,
    ],
    [
      'an empty drive',
      ['run', 'tiny', '--drive', file('empty', '')],
      /--drive .*empty: is empty; make a disk with/,
    ],
    ['half a sector', ['run', 'tiny', '--drive', file('half', 'half')], /--drive .*half: has 4 bytes, .*512/],
    [
      'two consoles at the terminal',
      ['run', 'tiny', '--serial', 'stdio', '--console', 'stdio'],
      /--console stdio: only one console can be at the terminal/,
    ],
    [
      'five serial ports',
      ['run', 'tiny', ...Array.from({ length: 5 }, () => ['--serial', 'null']).flat()],
      /--serial: there are at most 4 serial ports/,
    ],
    [
      '33 cards',
      ['run', 'tiny', ...Array.from({ length: 33 }, () => ['--nic', 'user']).flat()],
      /there is room for 32 virtio devices/,
    ],
    [
      'two drives of one name',
      [
        'run',
        'tiny',
        ...[file('s1', new Uint8Array(512)), file('s2', new Uint8Array(512))].flatMap((f) => [
          '--drive',
          `${f},id=a`,
        ]),
      ],
      /id a is taken by another drive/,
    ],
    [
      'counts that cannot be kept',
      ['run', 'tiny', '--json', join(folder, 'none', 'a')],
      /--json .*: cannot be written/,
    ],
    ['a snapshot that cannot', ['run', 'tiny', '--save', folder], /--save .*: it is a folder/],
    [
      'a number that is none',
      ['run', 'tiny', '--timeout', 'soon'],
      /--timeout soon: must be a number above zero/,
    ],
    ["QEMU's display", ['run', 'tiny', '-display', 'gtk'], /'gtk' is invalid/],
    [
      'a board that is no YAML',
      ['run', 'tiny', '--config', file('a.yaml', 'a: [')],
      /--config .*a\.yaml: is neither/,
    ],
    [
      'a board with an unknown field',
      ['run', 'tiny', '--config', file('b.yaml', 'memroy: 1G')],
      /memroy: there is no such field/,
    ],
    [
      'a board whose CPU is unknown',
      ['run', 'tiny', '--config', file('c.yaml', 'cpu: z80')],
      /cpu: .*cortex-a53/,
    ],
    [
      'regions that overlap',
      ['run', 'tiny', '--config', file('d.yaml', overlap)],
      /other UART: .* overlaps serial UART/,
    ],
  ])('%s', async (_name, args, message) => {
    const { status, errors } = await command(...args, '--no-stdin');
    expect(errors).toMatch(message);
    expect(errors.trimEnd().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });
});

describe("the benchmarks' too", () => {
  test.each([
    ['a kernel of no benchmark', ['bench', 'quake'], /no kernel is called "quake"; there are alu, /],
    ['an engine that is none', ['bench', '--engines', 'v86'], /--engines: no engine is called "v86"/],
    ['no number of rounds', ['bench', '--rounds', '0'], /--rounds 0: must be a whole number/],
    ["a benchmark's process by hand", ['bench-run', '{}'], /takes what worldswitch bench gives it/],
  ])('%s', async (_name, args, message) => {
    const { status, errors } = await command(...args);
    expect(errors).toMatch(message);
    expect(errors.trimEnd().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });
});
