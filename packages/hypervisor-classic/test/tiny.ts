// Hosts with tiny in their VMs.

import { readFile } from 'node:fs/promises';

import { tiny } from '@worldswitch/guests';
import { readKernel, virt } from '@worldswitch/machine';
import type { BootImages, MachineOptions, RunEnd, VirtOptions } from '@worldswitch/machine';
import type { VmDescription } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';
import type { Host, HostDescription } from '../src/index.ts';

const RAM = 0x4000_0000;

/** tiny with a command line. */
export async function tinyImages(append: string): Promise<BootImages> {
  const image = new Uint8Array(await readFile(tiny.image));
  return { kernel: readKernel(image, 'tiny', RAM), name: 'tiny', append };
}

/** The same, and where its instructions are. */
export async function tinyImagesWithCode(append: string): Promise<BootImages> {
  const images = await tinyImages(append);
  const { code } = readKernel(new Uint8Array(await readFile(tiny.elf)), 'tiny', RAM);
  return { ...images, kernel: images.kernel && { ...images.kernel, code } };
}

/** What a test says about one VM. */
export interface TinyVm extends Partial<Omit<VmDescription, 'board'>> {
  readonly append?: string;
  readonly board?: VirtOptions;
}

/** A host that runs tiny in each of its VMs. */
export interface TinyHost extends Host {
  /** Everything that came out of the board's serial port. */
  readonly output: () => string;
  /** Runs to the end, or until so many instructions are executed. */
  readonly finish: (instructions?: number) => RunEnd;
}

/** Makes one. */
export async function tinyHost(
  vms: readonly TinyVm[],
  board: VirtOptions = {},
  more: Partial<HostDescription> = {},
  options: MachineOptions = {},
): Promise<TinyHost> {
  let output = '';
  const images: Record<string, BootImages> = {};
  const described: VmDescription[] = [];
  for (const [i, { append = 'selftest poweroff', board: own, ...rest }] of vms.entries()) {
    const name = rest.name ?? `vm${i}`;
    images[name] = await tinyImages(append);
    described.push({ ...rest, name, board: virt({ memory: '64M', gic: board.gic, ...own }) });
  }
  const host = createHost(
    { board: virt({ memory: 32 * 2 ** 20 + vms.length * 64 * 2 ** 20, ...board }), vms: described, ...more },
    images,
    {
      ...options,
      output: (_device, byte) => {
        output += String.fromCharCode(byte);
      },
    },
  );
  return {
    machine: host.machine,
    setup: host.setup,
    get hypervisor() {
      return host.hypervisor;
    },
    keepLedger: (ledger) => {
      host.keepLedger(ledger);
    },
    output: () => output,
    finish(instructions = 300e6) {
      for (;;) {
        const end = host.machine.run(5_000_000);
        if (end !== 'budget' || host.machine.instructions >= instructions) return end;
      }
    },
  };
}
