// Software that is wrong ends the run with one line that names it, its entry and ELR; never a stack trace, never for ever.

import { expect, test } from 'vitest';

import { SoftwareError } from '@worldswitch/isa-core';
import type { CpuPort } from '@worldswitch/platform';

import type { Doing } from './rig.ts';
import { CODE, enter, machineOf, mrs, msr, software, sys, word, x } from './rig.ts';

/** What a run with software that boots a guest and then does something wrong says. */
function failure(
  doing: Doing['take'],
  text = 'hvc #0',
  more: readonly ReturnType<typeof software>[] = [],
): string {
  const machine = machineOf(
    [
      software('victim', {
        boot: (cpu, { page }) => {
          msr(cpu, 'VBAR_EL2', page);
          msr(cpu, 'HCR_EL2', 0x8000_0000);
          return enter(cpu, 2, CODE);
        },
        ...(doing && { take: doing }),
      }),
      ...more,
    ],
    text,
  );
  expect(machine.run(1_000_000)).toBe('dead');
  expect(machine.run(1000)).toBe('dead');
  expect(machine.failure).toBeInstanceOf(SoftwareError);
  const said = machine.report();
  expect(said).not.toContain('\n');
  return said;
}
const inVector =
  'software "victim" failed in its vector 0x400 (synchronous, lower-a64) at EL2 of CPU 0, ELR_EL2 0x40000004: ';

test('it throws', () => {
  expect(
    failure(() => {
      throw new Error('first line\n  second line');
    }),
  ).toBe(`${inVector}first line second line`);
  expect(
    failure(() => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- that is the point
      throw 'a text';
    }),
  ).toBe(`${inVector}a text`);
});

test('it returns what is no way to leave', () => {
  expect(failure(() => 'somehow' as never)).toBe(`${inVector}it left with somehow at EL2`);
  expect(failure(() => undefined as never)).toContain(`${inVector}it`);
  expect(failure(() => 'svc')).toBe(`${inVector}it left with svc at EL2`);
});

test.each([
  ['a register of a higher level', (cpu: CpuPort) => mrs(cpu, 'SCR_EL3'), 'MRS SCR_EL3 is not for EL2: '],
  [
    'a register that is read-only',
    (cpu: CpuPort) => {
      msr(cpu, 'MIDR_EL1', 1);
    },
    'MSR MIDR_EL1 is not for EL2: ',
  ],
  [
    'an operation of a higher level',
    (cpu: CpuPort) => {
      sys(cpu, 'TLBI ALLE3');
    },
    'TLBI ALLE3 is not for EL2: ',
  ],
  [
    'a call of itself',
    (cpu: CpuPort) => {
      sys(cpu, 'HVC', 3);
    },
    'HVC is not for EL2: ',
  ],
  [
    'maintenance where nothing is',
    (cpu: CpuPort) => {
      msr(cpu, 'SCTLR_EL2', 1);
      sys(cpu, 'DC CIVAC', 0);
    },
    'DC CIVAC is not for EL2: ',
  ],
  [
    'V registers that it traps itself',
    (cpu: CpuPort) => {
      msr(cpu, 'CPTR_EL2', 0x400);
      cpu.readV(0, new Uint32Array(4));
    },
    'an access to a V register is not for EL2',
  ],
  [
    'no register',
    (cpu: CpuPort) => {
      cpu.writeX(-1, 0, 0);
    },
    'there is no register -1',
  ],
  [
    'no system register',
    (cpu: CpuPort) => {
      cpu.readSystem(1e6 as never, word(0));
    },
    'there is no system register 1000000',
  ],
  [
    'no operation',
    (cpu: CpuPort) => {
      cpu.operate(-3 as never);
    },
    'there is no system operation -3',
  ],
  [
    'work without end',
    (cpu: CpuPort) => {
      cpu.work(Infinity);
    },
    'work of Infinity instructions',
  ],
  [
    'a block without end',
    (cpu: CpuPort) => {
      cpu.copy(word(CODE), word(CODE), 1e12);
    },
    'a block of 1000000000000 bytes',
  ],
  [
    'a call that never ends',
    (cpu: CpuPort) => {
      for (;;) cpu.work(1 << 24);
    },
    'it goes on and on and does not leave',
  ],
] as const)('it does %s', (_, wrong, message) => {
  expect(
    failure((_exception, cpu) => {
      wrong(cpu);
      return 'eret';
    }),
  ).toContain(`${inVector}${message}`);
});

/** A kernel at EL1 that does one thing, below the victim. */
const kernel = (work: (cpu: CpuPort) => void): ReturnType<typeof software> =>
  software('kernel', {
    boot: (cpu) => {
      work(cpu);
      return 'wait';
    },
  });
const toKernel = 'movz x0, #0xb00, lsl #16\n movk x0, #0x1800\n br x0';

test('an operation is intercepted for ever', () => {
  expect(
    failure(() => 'eret', toKernel, [
      kernel((cpu) => {
        msr(cpu, 'HCR_EL2', 0);
      }),
    ]),
  ).toContain('software "kernel" failed in its power-on entry at EL1');
});

test('the level that intercepts never gets done with it', () => {
  const said = failure(
    (_, cpu) => {
      msr(cpu, 'ELR_EL2', 0x0b00_1b80);
      return 'eret';
    },
    toKernel,
    [
      kernel((cpu) => {
        sys(cpu, 'HVC');
      }),
    ],
  );
  expect(said).toMatch(/^software "kernel" failed .*HVC was intercepted 1000 times and never got done$/);
});

test('the level that intercepts returns elsewhere, or waits', () => {
  const elsewhere = failure((_, cpu) => enter(cpu, 2, CODE), toKernel, [
    kernel((cpu) => {
      sys(cpu, 'HVC');
    }),
  ]);
  expect(elsewhere).toMatch(/^software "kernel" failed .*which returned to 0x40000000 at EL1 and neither/);
  const waits = failure(() => 'wait', toKernel, [
    kernel((cpu) => {
      sys(cpu, 'HVC');
    }),
  ]);
  expect(waits).toMatch(/^software "victim" failed in its vector 0x400 .*it left with wait though it served/);
});

test('the level that intercepts is no software in TypeScript', () => {
  const machine = machineOf([
    software(
      'kernel',
      {
        boot: (cpu) => {
          sys(cpu, 'HVC');
          return 'wait';
        },
      },
      { boot: false },
    ),
  ]);
  // EL2 is machine code with its vectors in RAM.
  machine.cpu.reset({ pc: 0x4000_0000n, el: 2 });
  machine.cpu.setRegister('VBAR_EL2', 0x4000_0800n);
  machine.cpu.setRegister('HCR_EL2', 0x8000_0000n);
  machine.cpu.setRegister('ELR_EL2', 0x0b00_0800n);
  machine.cpu.setRegister('SPSR_EL2', 0x3c5n);
  machine.cpu.contextChanged();
  machine.bus.load(0x4000_0000 as never, Uint8Array.of(0xe0, 0x03, 0x9f, 0xd6));
  expect(machine.run(100)).toBe('dead');
  expect(machine.report()).toMatch(
    /^software "kernel" failed in its power-on entry at EL1 .*HVC is intercepted by EL2, whose vector 0x40000c00 is no software/,
  );
});

test('what it catches ends the run all the same', () => {
  const machine = machineOf([
    software('swallower', {
      boot: (cpu, { page, pages }) => {
        msr(cpu, 'VBAR_EL2', page);
        msr(cpu, 'HCR_EL2', 0x8000_0000);
        return enter(cpu, 2, (pages['inner'] ?? 0) + 0x800);
      },
      take: () => {
        throw new Error('lost');
      },
    }),
    software('inner', {
      boot: (cpu) => {
        try {
          sys(cpu, 'HVC');
        } catch {
          x(cpu, 0);
        }
        return 'wait';
      },
    }),
  ]);
  expect(machine.run(100)).toBe('dead');
  expect(machine.report()).toMatch(/^software "swallower" failed in its vector 0x400 .*: lost$/);
});
