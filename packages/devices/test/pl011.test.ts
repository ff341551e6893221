// The PL011: conformance, and its technical reference manual (DDI 0183).

import { describe, expect, test } from 'vitest';

import { pl011 } from '@worldswitch/devices';
import type { Pl011, Pl011Config } from '@worldswitch/devices';
import { conformance } from '@worldswitch/testkit';
import type { Random } from '@worldswitch/testkit';

import { bed } from './registers.ts';
import type { Bed } from './registers.ts';

for (const timing of ['instant', 'line'] as const) {
  describe(`a PL011 with ${timing} timing`, () => {
    const checks = conformance(pl011, {
      config: (on) => ({
        timing,
        backend: {
          write: (byte) => {
            on.note(`out ${byte}`);
          },
          ready: () => {
            on.note('ready');
          },
        },
      }),
      stimuli: [
        (device: Pl011, random: Random) => {
          device.receive(Uint8Array.from({ length: random.below(20) }, () => random.word()));
        },
        (device: Pl011, random: Random) => {
          for (let i = random.below(20); i > 0; i--) device.receiveFrame(random.word());
        },
        (device: Pl011, random: Random) => {
          const [cts, dsr, dcd, ri] = [0, 0, 0, 0].map(() => random.below(2) === 0) as [
            boolean,
            boolean,
            boolean,
            boolean,
          ];
          device.setModem({ cts, dsr, dcd, ri });
        },
      ],
      release: (device) => {
        device.setModem({ cts: false, dsr: false, dcd: false, ri: false });
      },
    });
    for (const { name, run } of checks) test(name, run);
  });
}

const enabled = 0x301;
const fifos = 0x70; // FEN, eight bits

interface Port extends Bed<Pl011> {
  readonly sent: number[];
}

/** A port that is enabled, with FIFOs, at 115200 baud, unless said otherwise. */
function port(config: Pl011Config = {}, lineControl = fifos): Port {
  const sent: number[] = [];
  const made = bed(pl011, () => ({ backend: { write: (byte: number) => void sent.push(byte) }, ...config }));
  made.write('UARTIBRD', 13);
  made.write('UARTFBRD', 1);
  made.write('UARTLCR_H', lineControl);
  made.write('UARTCR', enabled);
  return { ...made, sent };
}

/** At 24 MHz and a divisor of 13 1/64. */
const bit = Math.ceil((833 * 250_000_000) / 24_000_000);
const text = (of: string): Uint8Array => Uint8Array.from(of, (letter) => letter.charCodeAt(0));

describe('after reset', () => {
  test.each([
    ['UARTFR', 0x90],
    ['UARTLCR_H', 0],
    ['UARTCR', 0x300],
    ['UARTIFLS', 0x12],
    ['UARTIMSC', 0],
    ['UARTRIS', 0],
    ['UARTPeriphID0', 0x11],
    ['UARTPeriphID1', 0x10],
    ['UARTPeriphID2', 0x14],
    ['UARTPCellID0', 0x0d],
    ['UARTPCellID3', 0xb1],
  ])('%s is %i', (name, value) => {
    expect(bed(pl011, () => ({})).read(name)).toBe(value);
  });

  test('registers keep only the bits that they have', () => {
    const { read, write } = port();
    for (const [name, mask] of [
      ['UARTIBRD', 0xffff],
      ['UARTFBRD', 0x3f],
      ['UARTIFLS', 0x3f],
      ['UARTIMSC', 0x7ff],
      ['UARTDMACR', 7],
      ['UARTILPR', 0xff],
    ] as const) {
      write(name, 0xffff_ffff);
      expect(read(name)).toBe(mask);
    }
  });
});

describe('transmission', () => {
  test('is instant by default, even from a guest that never enables the port', () => {
    const sent: number[] = [];
    const { write, read } = bed(pl011, () => ({
      backend: { write: (byte: number) => void sent.push(byte) },
    }));
    write('UARTDR', 0x141);
    expect(sent).toEqual([0x41]);
    expect(read('UARTFR')).toBe(0x90);
  });

  test('raises the transmit interrupt after each character, when instant', () => {
    const { write, read, irq } = port();
    write('UARTIMSC', 0x20);
    write('UARTDR', 65);
    expect(irq()).toBe(true);
    write('UARTICR', 0x20);
    expect(read('UARTRIS')).toBe(0);
    expect(irq()).toBe(false);
  });

  test('on a line takes a frame per character, and is BUSY meanwhile', () => {
    const { write, read, sent, on } = port({ timing: 'line' });
    write('UARTDR', 65);
    write('UARTDR', 66);
    expect(read('UARTFR') & 0x88).toBe(0x08);
    on.clock.advanceTo(10 * bit - 1);
    expect(sent).toEqual([]);
    on.clock.advanceTo(10 * bit);
    expect(sent).toEqual([65]);
    on.clock.advanceTo(20 * bit);
    expect(sent).toEqual([65, 66]);
    expect(read('UARTFR') & 0x88).toBe(0x80);
  });

  test('on a line sends the bits that WLEN says, in frames that long', () => {
    const { write, sent, on } = port({ timing: 'line' }, 0x10 | 0x02 | 0x08); // five bits, parity, two stop bits
    write('UARTDR', 0xff);
    on.clock.advanceTo(9 * bit - 1);
    expect(sent).toEqual([]);
    on.clock.advanceTo(9 * bit);
    expect(sent).toEqual([0x1f]);
  });

  test('on a line waits until it is enabled', () => {
    const { write, sent, on } = port({ timing: 'line' });
    write('UARTCR', 0x300);
    write('UARTDR', 65);
    on.clock.advanceTo(100 * bit);
    expect(sent).toEqual([]);
    write('UARTCR', enabled);
    on.clock.advanceTo(110 * bit);
    expect(sent).toEqual([65]);
  });

  test('holds sixteen characters besides the one on the line, then loses them', () => {
    const { write, read, sent, on } = port({ timing: 'line' });
    for (let i = 0; i < 17; i++) write('UARTDR', i);
    expect(read('UARTFR') & 0x20).toBe(0x20);
    write('UARTDR', 99);
    on.clock.advanceTo(1000 * bit);
    expect(sent).toEqual(Array.from({ length: 17 }, (_, i) => i));
  });

  test('interrupts as the FIFO falls to its level', () => {
    const { write, read, on } = port({ timing: 'line' });
    write('UARTIFLS', 0); // two characters
    for (let i = 0; i < 5; i++) write('UARTDR', i); // one on the line, four wait
    on.clock.advanceTo(19 * bit);
    expect(read('UARTRIS') & 0x20).toBe(0);
    on.clock.advanceTo(20 * bit);
    expect(read('UARTRIS') & 0x20).toBe(0x20);
    write('UARTDR', 9);
    expect(read('UARTRIS') & 0x20).toBe(0);
  });

  test('waits for CTS with CTS flow control', () => {
    const { write, read, sent, device } = port();
    write('UARTCR', enabled | 0x8000);
    write('UARTDR', 65);
    expect(sent).toEqual([]);
    expect(read('UARTFR') & 0x80).toBe(0);
    device.setModem({ cts: true, dsr: false, dcd: false, ri: false });
    expect(sent).toEqual([65]);
  });
});

describe('reception', () => {
  test('comes in order, and empties the FIFO', () => {
    const { device, read } = port();
    expect(device.receive(text('hi'))).toBe(2);
    expect(read('UARTFR') & 0x10).toBe(0);
    expect([read('UARTDR'), read('UARTDR')]).toEqual([104, 105]);
    expect(read('UARTFR') & 0x10).toBe(0x10);
  });

  test('needs an enabled receiver: until then nothing is taken and nothing lost', () => {
    const { device, write } = port();
    write('UARTCR', 0x101);
    expect(device.canReceive()).toBe(0);
    expect(device.receive(text('x'))).toBe(0);
    write('UARTCR', enabled);
    expect(device.canReceive()).toBe(16);
  });

  test('takes what the FIFO holds, and says when there is room again', () => {
    let ready = 0;
    const { device, read } = port({ backend: { write: () => undefined, ready: () => (ready += 1) } });
    expect(device.receive(new Uint8Array(20))).toBe(16);
    expect(read('UARTFR') & 0x40).toBe(0x40);
    const before = ready;
    read('UARTDR');
    expect(ready).toBe(before + 1);
    expect(device.canReceive()).toBe(1);
  });

  test('holds one character with FIFOs off', () => {
    const { device, read } = port({}, 0x60);
    expect(device.receive(text('ab'))).toBe(1);
    expect(read('UARTRIS') & 0x10).toBe(0x10);
    read('UARTDR');
    expect(read('UARTRIS') & 0x10).toBe(0);
  });

  test.each([
    [0, 2],
    [1, 4],
    [2, 8],
    [3, 12],
    [4, 14],
  ])('with RXIFLSEL %i interrupts at %i characters', (select, level) => {
    const { device, read, write, irq } = port();
    write('UARTIFLS', select << 3);
    write('UARTIMSC', 0x10);
    device.receive(new Uint8Array(level - 1));
    expect(irq()).toBe(false);
    device.receive(new Uint8Array(1));
    expect(irq()).toBe(true);
    read('UARTDR');
    expect(irq()).toBe(false);
  });

  test('times out after 32 bits with fewer characters than that, until they are read', () => {
    const { device, read, write, irq, on } = port();
    write('UARTIMSC', 0x40);
    device.receive(text('a'));
    on.clock.advanceTo(20 * bit);
    device.receive(text('b'));
    on.clock.advanceTo(52 * bit - 1);
    expect(irq()).toBe(false);
    on.clock.advanceTo(52 * bit);
    expect(irq()).toBe(true);
    read('UARTDR');
    expect(irq()).toBe(true);
    read('UARTDR');
    expect(irq()).toBe(false);
  });

  test('gives errors with their character, then in UARTRSR until it is written', () => {
    const { device, read, write } = port();
    device.receiveFrame(0x141);
    device.receiveFrame(0x642);
    expect(read('UARTRIS') & 0x780).toBe(0x380);
    expect(read('UARTDR')).toBe(0x141);
    expect(read('UARTRSR')).toBe(1);
    expect(read('UARTDR')).toBe(0x642);
    expect(read('UARTRSR')).toBe(6);
    write('UARTRSR', 0);
    expect(read('UARTRSR')).toBe(0);
  });

  test('loses a character that finds the FIFO full, as an overrun', () => {
    const { device, read } = port();
    device.receive(new Uint8Array(16));
    device.receiveFrame(0x41);
    expect(read('UARTRIS') & 0x400).toBe(0x400);
    expect(read('UARTRSR')).toBe(8);
    expect(read('UARTDR')).toBe(0x800);
  });

  test('stops at the receive level with RTS flow control', () => {
    const { device, write } = port();
    write('UARTCR', enabled | 0x4000);
    expect(device.receive(new Uint8Array(16))).toBe(8);
  });

  test('is emptied when FEN changes', () => {
    const { device, read, write } = port();
    device.receive(text('abc'));
    write('UARTLCR_H', 0x60);
    expect(read('UARTFR') & 0x10).toBe(0x10);
  });
});

describe('loopback', () => {
  test('receives what is transmitted, and the back end sees nothing', () => {
    const { write, read, sent } = port();
    write('UARTCR', enabled | 0x80);
    write('UARTDR', 77);
    expect(read('UARTDR')).toBe(77);
    expect(sent).toEqual([]);
  });

  test('connects the modem outputs to the inputs, whose changes interrupt', () => {
    const { write, read } = port();
    write('UARTCR', enabled | 0x80 | 0x3c00);
    expect(read('UARTFR') & 0x107).toBe(0x107);
    expect(read('UARTRIS') & 0xf).toBe(0xf);
  });
});

test('UARTMIS shows what the mask lets pass', () => {
  const { device, read, write } = port();
  device.receive(new Uint8Array(8));
  write('UARTIMSC', 0x40);
  expect([read('UARTRIS'), read('UARTMIS')]).toEqual([0x10, 0]);
  write('UARTIMSC', 0x50);
  expect(read('UARTMIS')).toBe(0x10);
});

test('the device tree has what the driver wants', () => {
  const node = pl011.treeNode?.(
    {},
    { bases: [0x900_0000], interrupt: () => [0, 1, 4], fixedClock: (hz) => `clk${hz}` },
  );
  expect(node).toEqual({
    name: 'pl011@9000000',
    properties: {
      compatible: ['arm,pl011', 'arm,primecell'],
      reg: [{ u64: 0x900_0000 }, { u64: 0x1000 }],
      interrupts: [0, 1, 4],
      clocks: [{ ref: 'clk24000000' }, { ref: 'clk24000000' }],
      'clock-names': ['uartclk', 'apb_pclk'],
    },
  });
});
