// Kernels: every format that is taken, and one line for each that is not.

import { describe, expect, test } from 'vitest';

import { ConfigurationError, createMachine, rawKernel, readKernel, unpacked, virt } from '../src/index.ts';

const RAM = 0x4000_0000;

function image(fields: {
  textOffset?: number;
  imageSize?: number;
  flags?: number;
  bytes?: number;
}): Uint8Array {
  const bytes = new Uint8Array(fields.bytes ?? 4096);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, fields.textOffset ?? 0, true);
  view.setUint32(16, fields.imageSize ?? 0x10000, true);
  view.setUint32(24, fields.flags ?? 0, true);
  view.setUint32(56, 0x644d_5241, true);
  return bytes;
}

/** An Image with a PE header of one section that ends at `end`. */
function peImage(end: number): Uint8Array {
  const bytes = image({});
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x5a4d, true);
  view.setUint32(60, 64, true);
  view.setUint32(64, 0x5045_0000);
  view.setUint16(70, 1, true);
  view.setUint16(84, 0x20, true);
  const section = 64 + 24 + 0x20;
  view.setUint32(section + 16, end - 0x400, true);
  view.setUint32(section + 20, 0x400, true);
  return bytes;
}

interface Segment {
  type?: number;
  offset?: number;
  virtual?: number;
  physical?: number;
  fileSize?: number;
  memorySize?: number;
}

function elf(
  segments: readonly Segment[],
  header: { entry?: number; machine?: number; patch?: (view: DataView) => void } = {},
): Uint8Array {
  const bytes = new Uint8Array(0x1000);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x7f45_4c46);
  bytes.set([2, 1, 1], 4);
  view.setUint16(16, 2, true);
  view.setUint16(18, header.machine ?? 183, true);
  view.setBigUint64(24, BigInt(header.entry ?? RAM), true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, segments.length, true);
  segments.forEach((s, i) => {
    const at = 64 + 56 * i;
    view.setUint32(at, s.type ?? 1, true);
    const words = [
      s.offset ?? 0x800,
      s.virtual ?? s.physical ?? RAM,
      s.physical ?? RAM,
      s.fileSize ?? 16,
      s.memorySize ?? 32,
    ];
    words.forEach((word, n) => {
      view.setBigUint64(at + 8 + 8 * n, BigInt(word), true);
    });
  });
  header.patch?.(view);
  return bytes;
}

const read = (bytes: Uint8Array): ReturnType<typeof readKernel> => readKernel(bytes, 'my.img', RAM);

describe('where kernels go', () => {
  test.each([
    ['a text offset of 0', { textOffset: 0 }, 0x20_0000],
    ['one within the first page', { textOffset: 0x800 }, 0x20_0800],
    ['one of 512 KiB', { textOffset: 0x8_0000 }, 0x8_0000],
    ['a header of before Linux 3.17', { textOffset: 77, imageSize: 0 }, 0x8_0000],
  ])('Image: %s', (_name, fields, at) => {
    const kernel = read(image(fields));
    expect(kernel.entry).toBe(RAM + at);
    expect(kernel.segments).toMatchObject([
      { at: RAM + at, size: Math.max(4096, 'imageSize' in fields ? 0 : 0x10000) },
    ]);
  });

  test('ELF: segments by physical address, the entry where its segment lies', () => {
    const kernel = read(
      elf(
        [
          { type: 4 },
          { physical: RAM + 0x1000, virtual: 0x8000_0000 },
          { physical: RAM + 0x8000, fileSize: 0, memorySize: 0x4000 },
        ],
        { entry: 0x8000_0008 },
      ),
    );
    expect(kernel.format).toBe('ELF');
    expect(kernel.entry).toBe(RAM + 0x1008);
    expect(kernel.segments.map((s) => [s.at, s.bytes.length, s.size])).toEqual([
      [RAM + 0x1000, 16, 32],
      [RAM + 0x8000, 0, 0x4000],
    ]);
  });

  test('memory beyond the file is zero, also when a reset loads it again', () => {
    const machine = createMachine(virt({ memory: '8M' }));
    const bytes = Uint8Array.of(1, 2, 3, 4);
    machine.load({
      kernel: { format: 'raw', segments: [{ at: RAM + 0x1000, bytes, size: 16 }], entry: RAM + 0x1000 },
    });
    const first = machine.hash();
    machine.board.ram.bytes.fill(7, 0x1004, 0x1010);
    machine.reset();
    expect([...machine.board.ram.bytes.subarray(0x1000, 0x1010)]).toEqual([
      1,
      2,
      3,
      4,
      ...new Array<number>(12).fill(0),
    ]);
    expect(machine.hash()).toBe(first);
  });
});

describe('the boot protocol', () => {
  test.each([
    ['a small machine', 16, 100, 8, 10],
    ["QEMU's usual 128 MiB of distance", 512, 3 * 2 ** 20, 128, 132],
  ])('%s: initrd and device tree', (_name, memory, bytes, initrdAt, treeAt) => {
    const machine = createMachine(virt({ memory: `${memory}M` }));
    machine.load({
      kernel: rawKernel(new Uint8Array(64), RAM),
      initrd: new Uint8Array(bytes).fill(0x5a),
      append: 'quiet',
    });
    const { ram } = machine.board;
    expect(ram.bytes[initrdAt * 2 ** 20]).toBe(0x5a);
    expect(ram.bytes[initrdAt * 2 ** 20 + bytes]).toBe(0);
    expect(machine.cpu.state.x(0)).toBe(BigInt(RAM + treeAt * 2 ** 20));
    expect([...ram.bytes.subarray(treeAt * 2 ** 20, treeAt * 2 ** 20 + 4)]).toEqual([0xd0, 0x0d, 0xfe, 0xed]);
    expect(machine.cpu.state.daif).toBe(15);
    expect(machine.cpu.state.el).toBe(1);
  });

  test('a kernel that reaches farther than that pushes them up', () => {
    const machine = createMachine(virt({ memory: '16M' }));
    const kernel = {
      ...rawKernel(new Uint8Array(64), RAM),
      segments: [{ at: RAM, bytes: new Uint8Array(64), size: 9 * 2 ** 20 }],
    };
    machine.load({ kernel, initrd: Uint8Array.of(0x5a) });
    expect(machine.board.ram.bytes[10 * 2 ** 20]).toBe(0x5a);
  });
});

const refusal = (bytes: Uint8Array): string => {
  try {
    read(bytes);
  } catch (thrown) {
    if (!(thrown instanceof ConfigurationError)) throw thrown;
    expect(thrown.field).toBe('my.img');
    expect(thrown.message).not.toContain('\n');
    return thrown.message;
  }
  throw new Error('was taken');
};

describe('what is refused', () => {
  test.each([
    ['nothing', new Uint8Array(), /0 bytes/],
    ['text', new TextEncoder().encode('#!/bin/sh\necho hello\n'), /neither/],
    ['a big-endian Image', image({ flags: 1 }), /big-endian/],
    ['an Image that makes no sense', image({ textOffset: 0x1000_0000 }), /no sense/],
    ['an Image that is cut short', peImage(0x9_0000), /cut short: it has 4096 bytes of 589824/],
    ['a PE file that is no Image', peImage(4096).fill(0, 56, 60), /PE file/],
    ['an ELF file of another machine', elf([{}], { machine: 62 }), /machine 62/],
    ['an ELF file without segments', elf([]), /program headers/],
    ['an ELF file with nothing to load', elf([{ type: 4 }]), /nothing to load/],
    ['an entry outside', elf([{}], { entry: 0x1234 }), /entry/],
    ['a segment beyond the file', elf([{ offset: 0xff8 }]), /segment 0 is not in the file/],
    ['a segment larger than its memory', elf([{ memorySize: 8 }]), /no sense/],
    ['a segment beyond all memory', elf([{ memorySize: 2 ** 50 }]), /no sense/],
    [
      'headers beyond the file',
      elf([{}], {
        patch: (v) => {
          v.setBigUint64(32, 2n ** 63n, true);
        },
      }),
      /program headers/,
    ],
    [
      '32 bits',
      elf([{}], {
        patch: (v) => {
          v.setUint8(4, 1);
        },
      }),
      /64-bit/,
    ],
    [
      'big-endian ELF',
      elf([{}], {
        patch: (v) => {
          v.setUint8(5, 2);
        },
      }),
      /little-endian/,
    ],
    [
      'an object file',
      elf([{}], {
        patch: (v) => {
          v.setUint16(16, 1, true);
        },
      }),
      /executable/,
    ],
  ])('%s', (_name, bytes, message) => {
    expect(refusal(bytes)).toMatch(message);
  });

  test('an ELF file cut short anywhere, or with a byte changed', () => {
    const machine = createMachine({ memory: '16M', engine: 'reference' });
    const whole = elf([{}, { physical: RAM + 0x1000 }]).slice(0, 0x810);
    for (let length = 0; length < whole.length; length++)
      expect(refusal(whole.subarray(0, length))).toBeDefined();
    for (let at = 0; at < 64 + 2 * 56; at++) {
      for (const value of [0, 0xff]) {
        const bytes = whole.slice();
        bytes[at] = value;
        try {
          machine.load({ kernel: read(bytes) });
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ConfigurationError);
        }
      }
    }
  }, 60_000);
});

describe('gzip', () => {
  const packed = async (bytes: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(
      await new Response(
        new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream('gzip')),
      ).arrayBuffer(),
    );

  test('is undone; anything else stays', async () => {
    const bytes = image({});
    expect(await unpacked(await packed(bytes), 'my.gz')).toEqual(bytes);
    expect(await unpacked(bytes, 'my.img')).toBe(bytes);
  });

  test('cut short anywhere', async () => {
    const whole = await packed(image({ bytes: 64 }));
    for (let length = 2; length < whole.length; length++) {
      await expect(unpacked(whole.subarray(0, length), 'my.gz')).rejects.toThrow(/^my\.gz: .*cut short/);
    }
  });
});
