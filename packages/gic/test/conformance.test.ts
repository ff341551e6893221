// The GICv2 passes the conformance kit in each of its configurations.

import { describe, test } from 'vitest';

import { gicV2 } from '@worldswitch/gic';
import type { GicV2, GicV2Config } from '@worldswitch/gic';
import { conformance } from '@worldswitch/testkit';
import type { Random } from '@worldswitch/testkit';

/** SPIs and PPIs that the outside drives. */
function wires(device: GicV2, cpus: number): readonly { set(level: boolean): void }[] {
  const spis = [0, 1, 31].map((n) => device.inputs.spi(n));
  const ppis = Array.from({ length: cpus }, (_, cpu) => [10, 11, 14].map((n) => device.inputs.ppi(cpu, n)));
  return [...spis, ...ppis.flat()];
}

const configurations: Readonly<Record<string, GicV2Config>> = {
  'one CPU': { cpus: 1 },
  'three CPUs': { cpus: 3, interrupts: 64, priorityBits: 4 },
  'Virtualization Extensions': { cpus: 2, listRegisters: 4 },
  'Security Extensions': { cpus: 2, security: true, interrupts: 96 },
  'everything at its largest': {
    cpus: 8,
    security: true,
    interrupts: 1020,
    priorityBits: 8,
    listRegisters: 64,
  },
};

for (const [name, config] of Object.entries(configurations)) {
  describe(`a GICv2 with ${name}`, () => {
    const checks = conformance(gicV2, {
      config: () => config,
      stimuli: [
        (device: GicV2, random: Random) => {
          random.pick(wires(device, config.cpus)).set(random.below(2) === 0);
        },
      ],
      release: (device) => {
        for (const wire of wires(device, config.cpus)) wire.set(false);
      },
      runs: config.cpus === 8 ? 2 : 6,
    });
    for (const check of checks) test(check.name, check.run);
  });
}
