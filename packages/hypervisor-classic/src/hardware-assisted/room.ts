// What the hypervisor needs of its board, and how much memory of its own: refused before anything runs.

import { ConfigurationError, deviceKinds } from '@worldswitch/machine';
import type { CheckedConfig } from '@worldswitch/machine';
import { PAGE } from '@worldswitch/vmm';
import type { CheckedVm } from '@worldswitch/vmm';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** Bits of physical addresses that EL2's own map has. */
const MOST = 2 ** 40;
/** Pages of EL2's own map besides those for each GiB: its root, and tables where ranges begin and end. */
const OWN = 16;
/** Pages of each VM's stage 2 besides those for each GiB: its root with its alignment, and tables for a GICv2's interface. */
const EACH_VM = 8;
/** Pages of drivers: a queue and a buffer with its alignment; two queues and buffers. */
const [DISK, CARD] = [33, 27];
/** Bytes of shadow tables that are enough for each VM. */
const SHADOW = MIB;

/** Throws a `ConfigurationError` for a board that the hypervisor cannot use. */
export function checkHostBoard({ ramBase, memory, gic, devices }: CheckedConfig): void {
  if (ramBase % (2 * MIB) !== 0 || ramBase === 0)
    throw new ConfigurationError('board.ramBase', 'must be a multiple of 2 MiB above 0');
  if (ramBase + memory > MOST)
    throw new ConfigurationError('board.memory', 'must end at 2^40 or below: the hypervisor maps no more');
  const beyond = devices.find(({ bases }) => bases.some((base) => base >= ramBase));
  if (beyond !== undefined)
    throw new ConfigurationError(
      'board.devices',
      `must be below memory for a hypervisor, but ${beyond.name} is above; give it another address`,
    );
  if (gic.bases.some((base) => base >= ramBase))
    throw new ConfigurationError('board.gic', 'must be below memory for a hypervisor');
}

/** A VM's CPU interface is the host's, by pages. */
export function checkVmBoards(vms: readonly CheckedVm[]): void {
  vms.forEach(({ board }, i) => {
    if (board.gic.version === 2 && (board.gic.bases[1] ?? 0) % PAGE !== 0)
      throw new ConfigurationError(`vms[${i}].board.gic.cpuInterface`, `must be a multiple of ${PAGE}`);
  });
}

/** Pages for the tables of a range of memory: one for each GiB that it touches. */
const tablesOf = (memory: number): number => Math.ceil(memory / GIB) + 1;

/** Bytes that the hypervisor's tables and buffers may take. */
function needed(host: CheckedConfig, vms: readonly CheckedVm[]): number {
  const disks = vms.reduce((sum, vm) => sum + Object.keys(vm.disks).length, 0);
  const cards = host.devices.some(({ kind }) => kind === deviceKinds['virtio-net']) ? 1 : 0;
  const tables = vms.reduce((sum, { board }) => sum + EACH_VM + tablesOf(board.memory), 0);
  return PAGE * (OWN + tablesOf(host.ramBase) + tablesOf(host.memory) + tables + DISK * disks + CARD * cards);
}

/**
 * Throws a `ConfigurationError` where the hypervisor's own memory is too small for what it is to do.
 *
 * @param each - bytes of the translation cache of each vCPU, where there are some
 */
export function checkOwnMemory(size: number, host: CheckedConfig, vms: readonly CheckedVm[], each = 0): void {
  if (size % (2 * MIB) !== 0 || size < 4 * MIB)
    throw new ConfigurationError('hypervisorMemory', 'must be whole blocks of 2 MiB, two at least');
  const vcpus = vms.reduce((sum, { board }) => sum + board.cpus, 0);
  // Beside caches, shadow tables.
  const caches = each === 0 ? 0 : vcpus * each + vms.length * SHADOW;
  const bytes = needed(host, vms) + caches;
  if (bytes > size)
    throw new ConfigurationError(
      'hypervisorMemory',
      `is ${size / MIB} MiB, but ${vms.length} VMs need ${2 * Math.ceil(bytes / (2 * MIB))} MiB for tables and buffers${
        each === 0 ? '' : ` and the translation caches of ${vcpus} vCPUs`
      }; give it more`,
    );
}
