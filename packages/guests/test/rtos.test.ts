// The real-time guest on QEMU, where an instruction is a nanosecond: all jobs are done, none is missed, and too many are.

import { expect } from 'vitest';

import { rtos } from '@worldswitch/guests';
import { requireTool } from '@worldswitch/test-tools';

import { QEMU, runOnQemu } from './qemu.ts';

const gate = requireTool(QEMU);
const CLOCK = ['-icount', 'shift=0,sleep=off'];

for (const version of [2, 3])
  for (const el2 of [false, true]) {
    const board = ['-M', `virt,gic-version=${version}${el2 ? ',virtualization=on' : ''}`];

    gate.test(`GICv${version}, entered at EL${el2 ? 2 : 1}: nothing is missed`, async () => {
      const text = await runOnQemu(rtos.image, { append: 'rtos:20', extra: [...board, ...CLOCK] });
      expect(text).toMatch(/rtos: task fast period 1000 us, 20 jobs, 0 missed/);
      expect(text).toMatch(/rtos: task middle period 2000 us, 10 jobs, 0 missed/);
      expect(text).toMatch(/rtos: task slow period 5000 us, 4 jobs, 0 missed/);
      expect(text).toMatch(/rtos: sum 34 jobs, 0 missed/);
    });

    gate.test(`GICv${version}, entered at EL${el2 ? 2 : 1}: a load that does not fit is seen`, async () => {
      const text = await runOnQemu(rtos.image, { append: 'rtos:20,300', extra: [...board, ...CLOCK] });
      expect(text).toMatch(/rtos: task fast .* 0 missed/);
      expect(text).toMatch(/rtos: task slow .* 4 jobs, 4 missed/);
    });
  }
