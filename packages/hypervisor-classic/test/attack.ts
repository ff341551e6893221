// A hostile VM beside one whose memory at its end depends on itself alone, and what can be seen of both from outside.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { memoryDisk, userNetwork } from '@worldswitch/devices';
import { fuzz } from '@worldswitch/guests';
import { createMachine, readKernel, virt } from '@worldswitch/machine';
import type { Machine } from '@worldswitch/machine';
import type { Pa } from '@worldswitch/platform';
import type { ShadowVariant } from '@worldswitch/vmm';

import type { HardwareAssisted } from '../src/hardware-assisted/hypervisor.ts';
import { createHost, hypervisorMemory } from '../src/index.ts';
import type { Host } from '../src/index.ts';
import type { TrapAndEmulate } from '../src/trap-and-emulate/hypervisor.ts';

/** Kinds of hostile operations, and what each is. */
export const kinds = {
  outside: 'stores, loads and fetches by a stage 1 that maps every address',
  tables: 'translation tables of random bytes',
  gic: 'the interrupt controller and its list registers',
  storm: 'interrupts to itself without end',
  tlb: 'floods of TLB maintenance',
  waits: 'waits that game the scheduler',
  calls: 'hypercalls of all numbers',
  registers: 'system registers of all encodings',
  mmio: 'devices at random',
  virtio: 'lies in virtqueues',
  code: 'random instructions at EL0 and EL1',
  rewrite: 'code that changes itself',
} as const;

/** Kinds that are meant for who shadows tables and runs kernels without privilege, or translates them. */
export const ownKinds = {
  loops:
    'tables that loop, are in devices, outside of memory and over the hypervisor, rewritten from anywhere',
  roots: 'all ASIDs with many roots',
  hole: 'every slot of the upper half, that of the hypervisor above all',
  fill: 'an address space in which each page needs tables of its own',
  exclusive: 'exclusives on tables in use',
  emulated: 'privileged instructions that become others',
  sweep: 'more text than a cache has room for',
  jumps: 'jumps to every word, and to no word',
  patched: 'a page of text that is rewritten while it runs',
  cached: "the translator's addresses and registers",
} as const;

/** A kind of attack. */
export type Kind = keyof typeof kinds | keyof typeof ownKinds;

const MIB = 2 ** 20;
const RAM = 0x4000_0000;
const GUEST = 128 * MIB;
/** Where the image `fuzz` counts its operations, one number for each CPU, and where it keeps times, from the beginning of memory. */
const COUNTED = 0x07f0_0000;
const TIMES = 0x07f0_0100;
/** And where it counts what was not as the architecture says. */
const MISTAKES = 0x07f0_0200;
const PAGE = 4096;
/** Instructions between two looks from outside. */
const SLICE = 250_000;
/** Slices without an operation after which the hostile guest has lost itself. */
const LOST = 160;

/** A host by either technique. */
export type AnyHost = Host<HardwareAssisted | TrapAndEmulate>;

/** What a run is to do. */
export interface Attack {
  /** By trap-and-emulate with shadow tables of a variant; on the virtualisation extensions when absent. */
  readonly shadow?: ShadowVariant;
  /** By binary translation, over a lazy shadow. */
  readonly translated?: boolean;
  /** What the other VM does: a kind of attack, or something harmless. */
  readonly mode: Kind | 'busy' | 'quiet';
  /** Its share of the CPU, where the quiet VM has 1. */
  readonly share?: number;
  readonly version: 2 | 3;
  readonly cpus: number;
  readonly seed: number;
  /** Rounds of the quiet VM. */
  readonly rounds: number;
  /** Operations after which the attack ends, once the quiet VM is through. */
  readonly operations: number;
  /** Instructions that are enough for the quiet VM to be through. */
  readonly most: number;
  /** Instructions after which the attack ends in any case; absent where there are none. */
  readonly last?: number;
  /** More hostile VMs, with one vCPU each. */
  readonly also?: readonly Attack['mode'][];
  /** Looks at the host now and then; what is wrong with it. */
  readonly audit?: ((host: AnyHost) => string | undefined) | undefined;
  /** Is called before anything runs. */
  readonly prepare?: (host: AnyHost) => void;
}

/** What a run of a guest alone is to do. */
export interface Alone {
  readonly technique: 'native' | 'trap-and-emulate' | 'binary-translation';
  readonly shadow?: ShadowVariant | undefined;
  readonly mode: Kind;
  /** Of the interrupt controller; 2 when absent. */
  readonly version?: 2 | 3;
  readonly seed: number;
  readonly operations: number;
  /** Instructions after which it is looked at, finished or not. */
  readonly most: number;
  readonly prepare?: (host: Host<TrapAndEmulate>) => void;
}

/** What was seen of it. */
export interface SeenAlone {
  readonly host: Host<TrapAndEmulate> | undefined;
  readonly machine: Machine;
  readonly end: string;
  readonly failure: string | undefined;
  readonly operations: number;
  readonly mistakes: number;
}

/** What was seen. */
export interface Seen {
  /** Of the quiet VM's memory, but for its times; empty when it did not come to its end. */
  readonly hash: string;
  /** Ticks of the system counter from its first round to its last. */
  readonly ticks: number;
  /** Of these, what the scheduler charged to it up to its end. */
  readonly charged: number;
  readonly operations: number;
  /** Of the other hostile VMs. */
  readonly others: readonly number[];
  /** What hostile guests saw that was not as the architecture says. */
  readonly mistakes: number;
  readonly instructions: number;
  /** Why the machine ended, where it should not have. */
  readonly failure: string | undefined;
  /** Bytes of the hypervisor's own state: early on, and the most. */
  readonly state: readonly [number, number];
  /** Bytes of its memory that are handed out: at first and at the end. */
  readonly pages: readonly [number, number];
}

let image: ReturnType<typeof readKernel> | undefined;

/** A host with the hostile VM and the quiet one. */
async function hostOf({
  mode,
  shadow,
  translated = false,
  version,
  cpus,
  seed,
  rounds,
  share = 1,
  also = [],
}: Attack): Promise<AnyHost> {
  image ??= readKernel(new Uint8Array(await readFile(fuzz.image)), 'fuzz', RAM);
  const gic = { version };
  const virtio = ['blk', 'net', 'console', 'rng'].map((kind) => ({ name: kind, type: `virtio-${kind}` }));
  const technique = translated ? 'binary-translation' : 'trap-and-emulate';
  const own = hypervisorMemory(technique, cpus + 1 + also.length);
  const description = {
    board: virt({ memory: own + (2 + also.length) * GUEST, cpus, gic, virtio: virtio.slice(0, 2) }),
    vms: [
      {
        name: 'hostile',
        board: virt({ memory: GUEST, cpus, gic, virtio }),
        disks: { blk: 'blk' },
        share: share * 1024,
      },
      ...also.map((kind, i) => ({ name: `${kind}${i}`, board: virt({ memory: GUEST, gic }) })),
      { name: 'quiet', board: virt({ memory: GUEST, gic }) },
    ],
    scheduling: { slice: 0.0005 },
  };
  const images = {
    hostile: { kernel: image, append: `fuzz:${mode},${seed},${2 ** 30}` },
    ...Object.fromEntries(
      also.map((kind, i) => [`${kind}${i}`, { kernel: image, append: `fuzz:${kind},${seed},${2 ** 30}` }]),
    ),
    quiet: { kernel: image, append: `fuzz:quiet,1,${rounds}` },
  };
  const options = {
    disks: { blk: memoryDisk(new Uint8Array(65_536)) },
    networks: { net: userNetwork() },
  };
  return shadow === undefined && !translated
    ? createHost(description, images, options)
    : createHost({ ...description, technique, shadow }, images, options);
}

/** A VM's memory, as the machine has it. */
function memoryOf(host: AnyHost, vm: number): Uint8Array {
  const window = host.machine.bus.memoryAt(RAM as Pa);
  const at = (host.setup.vms[vm]?.vm.base ?? 0) - (window?.base ?? 0);
  return window?.memory.bytes.subarray(at, at + GUEST) ?? new Uint8Array();
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset + at, 8).getUint32(0, true);

/** Bytes that a hypervisor's state takes as text, but for translation caches, which have a size of their own. */
function stateBytes(host: AnyHost): number {
  return JSON.stringify(host.hypervisor.save(), (key, value: unknown) => {
    if (key === 'cache') return undefined;
    return value instanceof Uint8Array ? '.'.repeat(value.length) : value;
  }).length;
}

const NOTHING = new Uint8Array(PAGE);

/** Of all pages that are not zero, but for that of the times. */
function hashOf(memory: Uint8Array): string {
  const hash = createHash('sha256');
  for (let at = 0; at < memory.length; at += PAGE) {
    const page = memory.subarray(at, at + PAGE);
    if (at === TIMES - (TIMES % PAGE) || Buffer.compare(page, NOTHING) === 0) continue;
    hash.update(String(at)).update(page);
  }
  return hash.digest('hex');
}

/** Lets the attack run until it has done enough and the quiet VM is through, or until it is clear that this will not be. */
export async function attack(wanted: Attack): Promise<Seen> {
  const host = await hostOf(wanted);
  wanted.prepare?.(host);
  const { machine } = host;
  const { also = [], audit = () => undefined } = wanted;
  const [hostile, quiet] = [memoryOf(host, 0), memoryOf(host, 1 + also.length)];
  const others = also.map((_, i) => memoryOf(host, 1 + i));
  machine.run(SLICE);
  const pages = (): number => {
    const { used } = host.hypervisor.save()?.pages ?? { used: new Uint8Array() };
    return used.reduce((sum, byte) => sum + bits(byte), 0);
  };
  const first = pages();
  let [operations, still, charged, early, largest, slices] = [0, 0, 0, 0, 0, 0];
  let failure: string | undefined;
  // After its last round it prints, and switches itself off: its memory is what it is to be when it has.
  const through = (): boolean =>
    wordAt(quiet, COUNTED) >= wanted.rounds && host.hypervisor.vms[1 + also.length]?.running === false;
  const enough = (): boolean =>
    operations >= wanted.operations && others.every((memory) => wordAt(memory, COUNTED) > 0);
  while (failure === undefined && !(through() && (enough() || still > LOST))) {
    const end = machine.run(SLICE);
    // The hostile VM may switch itself off: then all is over when the quiet one is through.
    const over = end === 'off' || end === 'idle';
    if (over) still = Infinity;
    if (!over && end !== 'budget') failure = machine.failure?.message ?? end;
    if (!through() && over) failure = `the machine is ${end}`;
    if (!through() && machine.instructions > wanted.most) failure = 'the quiet VM did not come to its end';
    if (!through() || charged === 0) charged = host.hypervisor.ticksOf(wanted.cpus + also.length);
    if (machine.instructions > (wanted.last ?? Infinity)) break;
    let done = 0;
    for (let cpu = 0; cpu < wanted.cpus; cpu++) done += wordAt(hostile, COUNTED + 8 * cpu);
    // A guest that overwrites its own counter has counted no more than an instruction each.
    const believed = done > operations && done - operations < SLICE / 20;
    still = believed && !over ? 0 : still + 1;
    if (believed) operations = done;
    if (++slices % 32 === 2) {
      failure ??= audit(host);
      const now = stateBytes(host);
      if (early === 0) early = now;
      largest = Math.max(largest, now);
    }
  }
  failure ??= audit(host);
  return {
    others: others.map((memory) => wordAt(memory, COUNTED)),
    hash: through() ? hashOf(quiet) : '',
    ticks: wordAt(quiet, TIMES + 8) - wordAt(quiet, TIMES),
    charged,
    operations,
    mistakes: others.reduce((sum, memory) => sum + mistakesOf(memory, 1), mistakesOf(hostile, wanted.cpus)),
    instructions: machine.instructions,
    failure,
    state: [early, largest],
    pages: [first * PAGE, pages() * PAGE],
  };
}

function mistakesOf(memory: Uint8Array, cpus: number): number {
  let sum = 0;
  for (let cpu = 0; cpu < cpus; cpu++) sum += wordAt(memory, MISTAKES + 8 * cpu);
  return sum;
}

/** A hostile guest with nobody beside it. */
export async function alone({
  technique,
  shadow,
  mode,
  version = 2,
  seed,
  operations,
  most,
  prepare = () => undefined,
}: Alone): Promise<SeenAlone> {
  image ??= readKernel(new Uint8Array(await readFile(fuzz.image)), 'fuzz', RAM);
  const images = { kernel: image, append: `fuzz:${mode},${seed},${operations}` };
  const gic = { version };
  const own = virt({ memory: GUEST, gic });
  let machine: Machine;
  let host: Host<TrapAndEmulate> | undefined;
  if (technique === 'native') {
    machine = createMachine(own);
    machine.load(images);
  } else {
    const description = {
      board: virt({ memory: 16 * MIB + GUEST, gic }),
      vms: [{ name: 'hostile', board: own }],
    };
    host = createHost({ ...description, technique, shadow }, { hostile: images });
    ({ machine } = host);
    prepare(host);
  }
  let end = machine.run(SLICE);
  while (end === 'budget' && machine.instructions < most) end = machine.run(SLICE);
  const window = machine.bus.memoryAt(RAM as Pa);
  const at = (host?.setup.vms[0]?.vm.base ?? RAM) - (window?.base ?? 0);
  const memory = window?.memory.bytes.subarray(at, at + GUEST) ?? new Uint8Array();
  return {
    host,
    machine,
    end,
    failure: machine.failure && machine.report(),
    operations: wordAt(memory, COUNTED),
    mistakes: mistakesOf(memory, 1),
  };
}

const bits = (byte: number): number => {
  let n = 0;
  for (let left = byte; left !== 0; left &= left - 1) n++;
  return n;
};
