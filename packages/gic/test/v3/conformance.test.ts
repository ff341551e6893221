// The GICv3 passes the conformance kit in each of its configurations.

import { describe, test } from 'vitest';

import { gicV3 } from '@worldswitch/gic';
import type { GicV3, GicV3Config } from '@worldswitch/gic';
import { conformance } from '@worldswitch/testkit';
import type { Random } from '@worldswitch/testkit';

/** SPIs and PPIs that the outside drives. */
function wires(device: GicV3, cpus: number): readonly { set(level: boolean): void }[] {
  const spis = [0, 1, 31].map((n) => device.inputs.spi(n));
  const ppis = Array.from({ length: cpus }, (_, cpu) => [10, 11, 14].map((n) => device.inputs.ppi(cpu, n)));
  return [...spis, ...ppis.flat()];
}

/** The fuzzer aims at named registers: here the redistributors of two CPUs have names. */
const type: typeof gicV3 = {
  ...gicV3,
  regions: gicV3.regions.map((region) =>
    region.name === 'GICR'
      ? {
          ...region,
          size: 0x8_0000,
          registers: [0, 0x2_0000].flatMap((base) =>
            (region.registers ?? []).map((row) => ({ ...row, offset: base + row.offset })),
          ),
        }
      : region,
  ),
};

const configurations: Readonly<Record<string, GicV3Config>> = {
  'one CPU': { cpus: 1 },
  'three CPUs': { cpus: 3, interrupts: 64 },
  'list registers': { cpus: 2, listRegisters: 4 },
  'two Security states': { cpus: 2, security: true, interrupts: 96, listRegisters: 4 },
  'much of everything': { cpus: 19, security: true, interrupts: 1020, listRegisters: 16 },
};

for (const [name, config] of Object.entries(configurations)) {
  describe(`a GICv3 with ${name}`, () => {
    const checks = conformance(type, {
      config: () => config,
      banks: ({ bank }) => [bank],
      stimuli: [
        (device: GicV3, random: Random) => {
          random.pick(wires(device, config.cpus)).set(random.below(2) === 0);
        },
      ],
      release: (device) => {
        for (const wire of wires(device, config.cpus)) wire.set(false);
        for (let cpu = 0; cpu < config.cpus; cpu++) {
          device.bank.write(cpu, device.bank.registers.indexOf('ICC_PE_STATE'), 0, 0);
        }
      },
      runs: config.cpus > 8 ? 1 : 5,
    });
    for (const check of checks) test(check.name, check.run);
  });
}
