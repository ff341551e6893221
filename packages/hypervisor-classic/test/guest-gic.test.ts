// GICv3 on CPUs without EL2: the hypervisor's own, driven at EL1, and guests', whose every access to ICC_*_EL1 traps. Guests see what they
// see on the bare machine, whatever the host has. `WORLDSWITCH_ALL` has the long images, and the other way round.

import { readFile } from 'node:fs/promises';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { arch, interrupts, smp } from '@worldswitch/guests';
import type { Guest } from '@worldswitch/guests';
import { assembleProgram } from '@worldswitch/isa-core';
import { createMachine, rawKernel, readKernel, virt } from '@worldswitch/machine';
import type { BootImages, Machine } from '@worldswitch/machine';
import { EmulatedGicV3, Ledger, VirtualId } from '@worldswitch/vmm';

import { CpuScheduler } from '../src/host/cpu-scheduler.ts';
import { createHost, restoreHost } from '../src/index.ts';
import { tinyImages } from './tiny.ts';

const ALL = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
const AT = 0x4020_0000;
type Technique = 'trap-and-emulate' | 'binary-translation';
type Version = 2 | 3;

afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs to the end, or as long as it may; what was printed, by lines. */
function linesOf(build: (output: (device: string, byte: number) => void) => Machine, most: number): string[] {
  let text = '';
  const machine = build((_device, byte) => {
    text += String.fromCharCode(byte);
  });
  while (machine.run(1_000_000) === 'budget' && machine.instructions < most) continue;
  expect(machine.failure, machine.report()).toBeUndefined();
  return text.split(/\r?\n/);
}

interface System {
  readonly version: Version;
  /** That of the host. */
  readonly host: Version;
  readonly technique: Technique;
  readonly cpus?: number;
}

const boardOf = (version: Version, cpus: number, memory = '128M') => virt({ memory, cpus, gic: { version } });

const natively = (images: BootImages, version: Version, cpus: number): string[] =>
  linesOf((output) => {
    const machine = createMachine(boardOf(version, cpus), { output });
    machine.load(images);
    return machine;
  }, 150e6);

const known = new Map<Version, Promise<readonly string[]>>();
/** The cases on the bare machine, those of the monitors' interrupt among them. */
function casesOf(version: Version): Promise<readonly string[]> {
  const found = known.get(version) ?? imagesOf(interrupts).then((images) => natively(images, version, 1));
  known.set(version, found);
  return found;
}

function virtually(images: BootImages, system: System, most = 150e6, ledger?: Ledger): string[] {
  const { version, host, technique, cpus = 1 } = system;
  return linesOf((output) => {
    const vms = [{ name: 'guest', board: boardOf(version, cpus) }];
    const made = createHost(
      { board: boardOf(host, cpus, '192M'), technique, vms },
      { guest: images },
      { output },
    );
    if (ledger) made.keepLedger(ledger);
    return made.machine;
  }, most);
}

async function imagesOf({ image, name }: Guest): Promise<BootImages> {
  return { kernel: readKernel(new Uint8Array(await readFile(image)), name, 0x4000_0000) };
}

const SYSTEMS: readonly System[] = [
  { version: 3, host: 3, technique: 'trap-and-emulate' },
  { version: 3, host: 2, technique: 'trap-and-emulate' },
  { version: 3, host: 3, technique: 'binary-translation' },
  { version: 2, host: 3, technique: 'binary-translation' },
];

describe('the cases of interrupts', { timeout: 300_000 }, () => {
  it.each(ALL ? SYSTEMS : SYSTEMS.slice(0, 1))(
    'of a GICv$version on a host with a GICv$host are by $technique what they are on the bare machine',
    async (system) => {
      const images = await imagesOf(interrupts);
      const alone = await casesOf(system.version);
      const ledger = new Ledger();
      expect(alone.length).toBeGreaterThan(90);
      expect(virtually(images, system, 150e6, ledger)).toEqual(alone);
      const causes = ledger.totals().map(({ cause }) => cause);
      const own = ['msr ICC_PMR_EL1', 'mrs ICC_IAR1_EL1', 'msr ICC_DIR_EL1', 'msr ICC_SGI1R_EL1'];
      for (const cause of own) expect(causes.includes(cause), cause).toBe(system.version === 3);
    },
  );

  // Each register is one that they cannot do without. Some wait for ever then.
  const NEEDED = ['PMR', 'EOIR1', 'DIR', 'BPR1', 'CTLR', 'IGRPEN1', 'SGI1R'];
  it.each(ALL ? NEEDED : NEEDED.slice(0, 1))(
    'are otherwise where writes of ICC_%s_EL1 are lost',
    async (name) => {
      const images = await imagesOf(interrupts);
      const alone = await casesOf(3);
      const write = Reflect.get(EmulatedGicV3.prototype, 'write');
      vi.spyOn(EmulatedGicV3.prototype, 'write').mockImplementation(function (
        this: EmulatedGicV3,
        vcpu,
        register,
        lo,
        hi,
      ) {
        if (register !== `ICC_${name}_EL1`) write.call(this, vcpu, register, lo, hi);
      });
      const there = virtually(images, { version: 3, host: 3, technique: 'trap-and-emulate' }, 4e6);
      expect(there.slice(0, alone.length)).not.toEqual(alone);
    },
  );
});

/**
 * CPU 0 switches CPU 1 on, sends it SGI 1 eight times, each when the one before has been seen, and switches it on again when it is off. CPU 1
 * prints what ICC_PMR_EL1 and ICC_IGRPEN1_EL1 are at first (`0`), and `s` for each SGI that it takes; it waits by WFI, and the second time in
 * a loop that never exits. X20: UART; X21: a counter that both share, and X0 of CPU_ON; X22: CPU 1's second redistributor frame.
 */
const { words } = assembleProgram(
  `  movz x20, #0x0900, lsl #16
     movz x21, #0x4030, lsl #16
     movz x22, #0x080d, lsl #16
     mov x26, x0
     mrs x0, mpidr_el1
     tst x0, #0xff
     b.ne second
     movz x1, #0x0800, lsl #16
     movz w2, #0x12
     str w2, [x1]
     movz w23, #0
   start: movz x0, #0x0003
     movk x0, #0xc400, lsl #16
     movz x1, #1
     movz x2, #${AT >>> 16}, lsl #16
     mov x3, x23
     hvc #0
     cbnz w0, start
     movz w24, #0
   send: ldr w0, [x21]
     cmp w0, w24
     b.ne send
     cmp w24, #9
     b.eq next
     cbz w24, ready
     movz x0, #0x0002
     movk x0, #0x0100, lsl #16
     msr icc_sgi1r_el1, x0
   ready: add w24, w24, #1
     b send
   next: str wzr, [x21]
     add w23, w23, #1
     cmp w23, #2
     b.ne start
     movz w0, #0x8400, lsl #16
     movk w0, #8
     hvc #0

   second: mrs x0, icc_pmr_el1
     mrs x1, icc_igrpen1_el1
     orr w0, w0, w1
     add w0, w0, #0x30
     str w0, [x20]
     movn w0, #0
     str w0, [x22, #0x80]
     movz w0, #2
     str w0, [x22, #0x100]
     movz w0, #0xf0
     msr icc_pmr_el1, x0
     movz w0, #1
     msr icc_igrpen1_el1, x0
     movz x0, #${AT >>> 16}, lsl #16
     movk x0, #0x0800
     msr vbar_el1, x0
     movz w25, #1
     str w25, [x21]
     msr daifclr, #2
   wait: cbnz x26, loop
     wfi
     b wait
   loop: b loop

     .balign 2048
     .space 0x280
     mrs x0, icc_iar1_el1
     msr icc_eoir1_el1, x0
     movz w0, #0x73
     str w0, [x20]
     add w25, w25, #1
     str w25, [x21]
     cmp w25, #9
     b.eq off
     eret
   off: movz w0, #0x8400, lsl #16
     movk w0, #2
     hvc #0`,
  AT,
);
const PAIR: BootImages = { kernel: rawKernel(new Uint8Array(words.buffer), AT) };
const PAIR_SYSTEM: System = { version: 3, host: 3, technique: 'trap-and-emulate', cpus: 2 };
const PAIR_PRINTS = [`0${'s'.repeat(8)}0${'s'.repeat(8)}`];

const TECHNIQUES: readonly Technique[] = ALL
  ? ['trap-and-emulate', 'binary-translation']
  : ['trap-and-emulate'];

describe('two vCPUs on two CPUs', () => {
  it.each(TECHNIQUES)(
    'interrupt each other, and start anew with an interface in reset, by %s',
    (technique) => {
      expect(natively(PAIR, 3, 2)).toEqual(PAIR_PRINTS);
      const ledger = new Ledger();
      expect(virtually(PAIR, { ...PAIR_SYSTEM, technique }, 5e6, ledger)).toEqual(PAIR_PRINTS);
      const kicks = ledger.totals().find(({ cause }) => cause === 'irq kick')?.exits ?? 0;
      // One for each while it loops: while it waits no exit of it is there to be entered.
      expect(kicks).toBeGreaterThanOrEqual(8);
    },
  );

  it('go on from a saved state as if nothing had been', () => {
    const vms = [{ name: 'guest', board: boardOf(3, 2) }];
    const description = { board: boardOf(3, 2, '160M'), technique: 'trap-and-emulate', vms } as const;
    let text = '';
    const options = { output: (_: string, byte: number) => (text += String.fromCharCode(byte)) };
    const whole = createHost(description, { guest: PAIR }, options).machine;
    whole.run(40_000);
    const [saved, early] = [whole.save(), text];
    whole.run(5_000_000);
    expect([text, early]).toEqual([PAIR_PRINTS[0], expect.stringMatching(/^0s+$/)]);
    text = early;
    const again = restoreHost(description, { guest: PAIR }, saved, options).machine;
    again.run(5_000_000);
    expect([text, again.instructions, again.hash()]).toEqual([
      PAIR_PRINTS[0],
      whole.instructions,
      whole.hash(),
    ]);
  });

  it('do not where nobody is kicked', () => {
    const kick = vi.spyOn(CpuScheduler.prototype, 'kick').mockReturnValue();
    expect(virtually(PAIR, PAIR_SYSTEM, 1e6)).toEqual(['0']);
    expect(kick).toHaveBeenCalled();
  });

  it('do not start anew where nobody resets the interface', () => {
    vi.spyOn(EmulatedGicV3.prototype, 'reset').mockReturnValue();
    expect(virtually(PAIR, PAIR_SYSTEM, 5e6)).not.toEqual(PAIR_PRINTS);
  });
});

/** Prints `3` where ID_AA64PFR0_EL1.GIC is 1, `2` where it is 0, and `u` where ICC_SRE_EL1 is UNDEFINED, or what it is. */
const { words: idWords } = assembleProgram(
  `  movz x20, #0x0900, lsl #16
     movz x1, #${AT >>> 16}, lsl #16
     movk x1, #0x0800
     msr vbar_el1, x1
     mrs x0, id_aa64pfr0_el1
     ubfx x0, x0, #24, #4
     add w0, w0, #0x32
     str w0, [x20]
     mrs x0, icc_sre_el1
     add w0, w0, #0x30
   say: str w0, [x20]
     movz w0, #0x8400, lsl #16
     movk w0, #8
     hvc #0
     .balign 2048
     .space 512
     movz w0, #0x75
     b say`,
  AT,
);
const ID: BootImages = { kernel: rawKernel(new Uint8Array(idWords.buffer), AT) };

describe('a guest', () => {
  it.each<[Version, Version, string]>([
    [3, 2, '37'],
    [2, 3, '2u'],
  ])('with a GICv%i on a host with a GICv%i is told so', (version, host, told) => {
    const technique = 'trap-and-emulate';
    if (version !== host) expect(natively(ID, version, 1)).toEqual([told]);
    expect(virtually(ID, { version, host, technique }, 1e6)).toEqual([told]);
  });

  it('is told otherwise where identification is the host’s', () => {
    const ofHost = VirtualId.ofHost.bind(VirtualId);
    vi.spyOn(VirtualId, 'ofHost').mockImplementation((port, options) => ofHost(port, { ...options, gic: 3 }));
    expect(virtually(ID, { version: 2, host: 3, technique: 'trap-and-emulate' }, 1e6)).toEqual(['3u']);
  });

  it('is one beside others with another interrupt controller', async () => {
    const images = await tinyImages('ls poweroff');
    let text = '';
    const { machine } = createHost(
      {
        board: boardOf(3, 2, '224M'),
        technique: 'trap-and-emulate',
        vms: [
          { name: 'old', board: boardOf(2, 1, '64M') },
          { name: 'new', board: boardOf(3, 2, '64M') },
          { name: 'told', board: boardOf(3, 1, '64M') },
        ],
      },
      { old: images, new: PAIR, told: ID },
      { output: (_device, byte) => (text += String.fromCharCode(byte)) },
    );
    let end = 'budget';
    while (end === 'budget' && machine.instructions < 30e6) end = machine.run(1_000_000);
    expect(end, machine.report()).toBe('off');
    const lines = text.split(/\r?\n/);
    expect(lines).toContain(`[new] ${PAIR_PRINTS.join('')}`);
    expect(lines).toContain('[told] 37');
    const alone = linesOf((output) => {
      const bare = createMachine(boardOf(2, 1, '64M'), { output });
      bare.load(images);
      return bare;
    }, 30e6);
    // A line that stands unfinished for a time is shown in parts.
    const own = lines.filter((line) => line.startsWith('[old] ')).map((line) => line.slice(6));
    const printed = (all: readonly string[]): string => all.join('').replaceAll(' ', '');
    expect(printed(own)).toBe(printed(alone));
  });

  it('has its host’s GIC by hardware-assisted', () => {
    const vms = [{ name: 'guest', board: boardOf(3, 1) }];
    expect(() => createHost({ board: boardOf(2, 1, '160M'), vms }, { guest: ID })).toThrow(
      'vms[0].board.gic.version: must be 2',
    );
  });
});

if (ALL)
  describe('the long images', { timeout: 600_000 }, () => {
    it.each<[Version, Version, Technique]>([
      [3, 3, 'trap-and-emulate'],
      [2, 3, 'trap-and-emulate'],
      [3, 2, 'trap-and-emulate'],
      [3, 3, 'binary-translation'],
    ])(
      'smp with a GICv%i on a host with a GICv%i by %s: all lines are equal',
      async (version, host, technique) => {
        const images = await imagesOf(smp);
        const alone = natively(images, version, 4);
        expect(alone.length).toBeGreaterThan(90);
        expect(virtually(images, { version, host, technique, cpus: 4 }, 600e6)).toEqual(alone);
      },
    );

    it('arch on a host with either is the same', async () => {
      // It drives a GICv2, and has cases that differ from the bare machine's for reasons that are not the host's.
      const images = await imagesOf(arch);
      const [two, three] = ([2, 3] as const).map((host) =>
        virtually(images, { version: 2, host, technique: 'trap-and-emulate' }, 300e6),
      );
      expect(two?.length).toBeGreaterThan(940);
      expect(three).toEqual(two);
    });
  });
