// vCPUs go to a CPU that is idle, unless they are pinned; priorities and shares hold over all CPUs.

import { readFile } from 'node:fs/promises';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { bench, smp } from '@worldswitch/guests';
import { createMachine, readKernel, virt } from '@worldswitch/machine';
import type { BootImages } from '@worldswitch/machine';
import type { VmDescription } from '@worldswitch/vmm';

import { WorldSwitch } from '../src/hardware-assisted/physical-cpus.ts';
import { createHost, restoreHost } from '../src/index.ts';
import type { Host, HostDescription, VmImages } from '../src/index.ts';

async function imagesOf(guest: typeof bench, append = ''): Promise<BootImages> {
  const kernel = readKernel(new Uint8Array(await readFile(guest.image)), guest.name, 0x4000_0000);
  return { kernel, name: guest.name, append };
}

const board = virt({ memory: '32M' });

/** VMs that count for ever, on some CPUs. */
async function busy(cpus: number, vms: readonly Partial<VmDescription>[]): Promise<Host> {
  const images: Record<string, BootImages> = {};
  const described = vms.map((vm, i) => ({ name: `vm${i}`, board, ...vm }));
  for (const { name } of described) images[name] = await imagesOf(bench, 'bench:alu,1000000000');
  return createHost(
    {
      board: virt({ memory: '192M', cpus }),
      vms: described,
      scheduling: { slice: 0.0005, period: 0.004 },
    },
    images,
  );
}

function run(host: Host, instructions: number): void {
  while (host.machine.instructions < instructions) host.machine.run(1_000_000);
  expect(host.machine.failure, host.machine.report()).toBeUndefined();
}

/** Ticks of each of so many vCPUs. */
const ticks = (host: Host, count: number): number[] =>
  Array.from({ length: count }, (_, id) => host.hypervisor.ticksOf(id));

/** The largest of them by the smallest. */
const spread = (of: readonly number[]): number => Math.max(...of) / Math.min(...of);

afterEach(() => {
  vi.restoreAllMocks();
});

describe('three busy vCPUs on two CPUs', () => {
  it('have two thirds of a CPU each', async () => {
    const host = await busy(2, [{}, {}, {}]);
    run(host, 40e6);
    expect(spread(ticks(host, 3))).toBeLessThan(1.15);
  });

  it('that are pinned have not: two share one CPU', async () => {
    const host = await busy(2, [{ pinned: true }, { pinned: true }, { pinned: true }]);
    run(host, 40e6);
    expect(spread(ticks(host, 3))).toBeGreaterThan(1.7);
  });

  it('keep to the CPUs that they may have', async () => {
    const host = await busy(2, [{ cpus: [0] }, { cpus: [0] }, {}]);
    run(host, 40e6);
    const [a = 0, b = 0, c = 0] = ticks(host, 3);
    expect(spread([a, b])).toBeLessThan(1.15);
    expect(c / a).toBeGreaterThan(1.7);
  });

  it('of the higher priority leave nothing for a fourth', async () => {
    const host = await busy(2, [{ priority: 10 }, { priority: 200 }, { priority: 200 }, { priority: 200 }]);
    run(host, 40e6);
    const [low = 0, ...high] = ticks(host, 4);
    expect(spread(high)).toBeLessThan(1.15);
    expect(low).toBeLessThan(Math.min(...high) / 50);
  });

  it('share both CPUs by their shares, as far as one vCPU can have no more than a CPU', async () => {
    const host = await busy(2, [{ share: 1024 }, { share: 1024 }, { share: 2048 }, { share: 2048 }]);
    run(host, 60e6);
    const [a = 0, b = 0, c = 0, d = 0] = ticks(host, 4);
    expect(spread([a, b])).toBeLessThan(1.2);
    expect(spread([c, d])).toBeLessThan(1.2);
    expect((c + d) / (a + b)).toBeGreaterThan(1.7);
    expect((c + d) / (a + b)).toBeLessThan(2.3);
  });
});

describe('a VM of four vCPUs on two CPUs', () => {
  const four = virt({ memory: '128M', cpus: 4 });
  const description: HostDescription = {
    board: virt({ memory: '192M', cpus: 2 }),
    vms: [{ name: 'smp', board: four }],
    scheduling: { slice: 0.00005 },
  };

  /** What the image prints on the bare board, and in a VM, which is saved and restored on the way. */
  async function printed(): Promise<{ readonly native: string; readonly virtual: string }> {
    let [native, text] = ['', ''];
    const images: VmImages = { smp: { kernel: (await imagesOf(smp)).kernel } };
    const alone = createMachine(four, { output: (_d, byte) => (native += String.fromCharCode(byte)) });
    alone.load(images['smp'] ?? {});
    while (alone.run(1_000_000) === 'budget' && alone.instructions < 60e6) continue;
    expect(native).toContain('smp: end');
    const output = (_device: string, byte: number): void => {
      text += String.fromCharCode(byte);
    };
    let host = createHost(description, images, { output });
    let restored = false;
    while (!text.includes('smp: end') && host.machine.instructions < 150e6) {
      host.machine.run(2_000_000);
      expect(host.machine.failure, host.machine.report()).toBeUndefined();
      if (restored || !text.includes('case ')) continue;
      const saved = host.machine.save();
      host = restoreHost(description, images, saved, { output });
      restored = true;
    }
    expect(restored).toBe(true);
    return { native, virtual: text };
  }

  it('prints what it prints on the bare machine while its vCPUs move, and after it was restored', async () => {
    const load = vi.spyOn(WorldSwitch.prototype, 'load');
    const { native, virtual } = await printed();
    expect(virtual).toBe(native);
    // Each vCPU was on both CPUs.
    for (let index = 0; index < 4; index++) {
      const places = load.mock.calls.filter(([, vm, vcpu]) => vm.number === 0 && vcpu.index === index);
      expect(new Set(places.map(([port]) => port.index)).size, `vCPU ${index}`).toBe(2);
    }
  }, 300_000);

  it.skipIf((process.env['WORLDSWITCH_ALL'] ?? '') === '')(
    'sees what its sibling left in the TLB where that is not invalidated',
    async () => {
      const own = WorldSwitch.prototype as unknown as { forgetSibling(): void };
      vi.spyOn(own, 'forgetSibling').mockReturnValue();
      const { native, virtual } = await printed();
      expect(virtual).not.toBe(native);
    },
    300_000,
  );
});
