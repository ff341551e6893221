// Looks from outside at the tables that hardware walks while guests run without a second stage: what EL0 reaches is the VM's own.

import type { Pa } from '@worldswitch/platform';

import type { Host } from '../src/index.ts';
import type { TrapAndEmulate } from '../src/trap-and-emulate/hypervisor.ts';

const PAGE = 4096;
/** Of a descriptor: EL0 may read (and write, unless RO), and may execute. */
const [EL0, READ_ONLY] = [1 << 6, 1 << 7];
const UXN = 1 << (54 - 32);
const KERNEL_VIEWS = [1, 2];

/** A leaf. */
interface Mapped {
  readonly pa: number;
  readonly size: number;
  readonly reads: boolean;
  readonly writes: boolean;
  readonly executes: boolean;
}

type State = NonNullable<ReturnType<TrapAndEmulate['save']>>;

/** Memory of the machine by physical address. */
export function memoryView(host: Host<TrapAndEmulate>): { readonly view: DataView; readonly base: number } {
  const window = host.machine.bus.memoryAt(host.setup.host.ramBase as Pa);
  const bytes = window?.memory.bytes ?? new Uint8Array();
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), base: window?.base ?? 0 };
}

/** Walks everything below a table. `skip` are tables that are looked at elsewhere. */
function* leavesOf(
  memory: ReturnType<typeof memoryView>,
  table: number,
  level: number,
  skip: readonly number[],
): Iterable<Mapped> {
  const size = 2 ** (12 + 9 * (3 - level));
  for (let i = 0; i < 512; i++) {
    const place = table - memory.base + 8 * i;
    const lo = memory.view.getUint32(place, true);
    if ((lo & 1) === 0) continue;
    const hi = memory.view.getUint32(place + 4, true);
    const pa = (hi & 0xffff) * 2 ** 32 + ((lo & ~0xfff) >>> 0);
    if (level < 3 && (lo & 2) !== 0) {
      if (!skip.includes(pa)) yield* leavesOf(memory, pa, level + 1, skip);
      continue;
    }
    const reads = (lo & EL0) !== 0;
    yield { pa, size, reads, writes: reads && (lo & READ_ONLY) === 0, executes: (hi & UXN) === 0 };
  }
}

const inside = ({ pa, size }: Mapped, base: number, bytes: number): boolean =>
  pa >= base && pa + size <= base + bytes;

/** The hypervisor's own part of address spaces: nothing in it is EL0's but translated code and its state, for the guest's own kernel. */
function auditHoles(memory: ReturnType<typeof memoryView>, { space }: State): string | undefined {
  for (const { reads, executes, pa } of leavesOf(memory, space.table, 1, []))
    if (reads || executes) return `EL0 has 0x${pa.toString(16)} of the hypervisor`;
  for (const [vm, { table, cpus }] of space.kernels.entries())
    for (const leaf of leavesOf(memory, table, 1, [])) {
      if (!leaf.reads && !leaf.executes) continue;
      const isCode = !leaf.writes && cpus.some(({ cache }) => inside(leaf, cache.pa, cache.size));
      const isState = !leaf.executes && cpus.some(({ state }) => inside(leaf, state.pa, state.size));
      if (!isCode && !isState)
        return `the kernel of VM ${vm} has 0x${leaf.pa.toString(16)} of the hypervisor`;
    }
  return undefined;
}

/** What is wrong with the tables; undefined where nothing is. */
export function auditTables(host: Host<TrapAndEmulate>): string | undefined {
  const state = host.hypervisor.save();
  if (state === null) return undefined;
  const memory = memoryView(host);
  const { space, vms } = state;
  for (const [i, { shadow }] of vms.entries()) {
    const vm = host.setup.vms[i]?.vm;
    if (vm === undefined) return 'there is a VM too many';
    const holes = [space.table, space.kernels[i]?.table ?? space.table];
    const toHost = (ipa: number): number => ipa - vm.board.ramBase + vm.base;
    const open = new Set(shadow.opened.map((page) => toHost(page * PAGE)));
    const traced = shadow.halves.flatMap(({ uses }) => uses.filter((_, n) => n % 5 === 1));
    const tables = new Set(traced.map((at) => toHost(at - (at % PAGE))).filter((page) => !open.has(page)));
    const real = new Set(shadow.real.filter((_, n) => n % 4 === 0).map(toHost));
    for (const half of shadow.halves) {
      const theirs = KERNEL_VIEWS.includes(half.view) ? holes : [space.table];
      for (const leaf of leavesOf(memory, half.root, 0, theirs)) {
        const name = `VM ${i}, half ${half.id}: 0x${leaf.pa.toString(16)}`;
        if (!leaf.reads && !leaf.executes) continue;
        if (!inside(leaf, vm.base, vm.board.memory)) return `${name} is not its own`;
        for (let page = leaf.pa; page < leaf.pa + leaf.size; page += PAGE) {
          if (real.has(page)) return `${name} is a table that hardware walks`;
          if (leaf.writes && tables.has(page)) return `${name} is a table that is traced, and written`;
        }
      }
    }
  }
  return auditHoles(memory, state);
}
