// A soak of the engine: four CPUs under Debian's kernel with a load that forks, executes, loads and unloads modules and patches the
// kernel's text, for as many instructions as wanted. At sampled points the machine is saved, and somebody else replays what it does next.

import { userNetwork } from '@worldswitch/devices';
import {
  createMachine,
  decodeSnapshot,
  encodeSnapshot,
  readKernel,
  restoreMachine,
  virt,
} from '@worldswitch/machine';
import type { EngineOptions, Machine, MachineConfig } from '@worldswitch/machine';

import { cpio } from '../src/debian/cpio.ts';
import { debianFiles } from '../src/debian/fetch.ts';
import { initramfs, SHELL_MARKER } from '../src/debian/initramfs.ts';
import { engineCounts } from '../src/engine-stats.ts';
import { LINUX } from '../src/guests.ts';
import { TextWatch } from '../src/text-watch.ts';

/** The load: a loop for each kind of trouble, all at once. Each says when it has gone round. */
const LOAD = `#!/bin/sh
round() { echo "soak: $1 $2"; }
forks() { n=0; while :; do
  i=0; while [ $i -lt 40 ]; do ( x=$((i * i)); : ) & i=$((i + 1)); done; wait
  i=0; while [ $i -lt 25 ]; do (((( : ) & wait) & wait) & wait); i=$((i + 1)); done
  n=$((n + 1)); round forks $n; done }
execs() { n=0; while :; do
  i=0; while [ $i -lt 30 ]; do /bin/busybox true; /bin/busybox sh -c '/bin/busybox uname -a >/dev/null'; i=$((i + 1)); done
  n=$((n + 1)); round execs $n; done }
pipes() { n=0; while :; do
  dd if=/dev/urandom bs=4k count=30 2>/dev/null | gzip | gunzip | md5sum >/tmp/sum
  find /proc/self /sys/kernel /sys/bus 2>/dev/null | sort | awk '{ n += length($0) } END { print n }' >/dev/null
  dd if=/dev/zero of=/tmp/file bs=64k count=16 2>/dev/null; cp /tmp/file /tmp/copy; cmp /tmp/file /tmp/copy || round differs $n
  n=$((n + 1)); round pipes $n; done }
modules() { n=0; while :; do for m in nls_ascii evdev vfat nls_cp437 ext4; do
  modprobe $m; modprobe -r $m
  n=$((n + 1)); round modules $n; done; done }
text() { n=0; T=/sys/kernel/tracing; mount -t tracefs tracefs $T; echo soak: tracers: $(cat $T/available_tracers); while :; do
  for s in 1 0; do echo $s >/proc/sys/kernel/sched_schedstats; echo $s >/proc/sys/net/core/bpf_jit_enable; done
  if [ -e $T/events ]; then
    for e in sched irq kmem task; do echo 1 >$T/events/$e/enable; done
    /bin/busybox true
    for e in sched irq kmem task; do echo 0 >$T/events/$e/enable; done
    echo 'p:soak kernel_clone' >$T/kprobe_events && echo 1 >$T/events/kprobes/enable && ( : ) && echo 0 >$T/events/kprobes/enable
    echo >$T/kprobe_events
    if grep -q function $T/available_tracers; then
      echo 'vfs_*' >$T/set_ftrace_filter; echo function >$T/current_tracer; /bin/busybox true; echo nop >$T/current_tracer
    fi
    echo >$T/trace
  fi
  if [ -e /sys/class/net/eth0 ]; then udhcpc -i eth0 -n -q >/dev/null 2>&1; ping -c 1 10.0.2.2 >/dev/null; fi
  n=$((n + 1)); round text $n; done }
forks & execs & pipes & modules & text & wait
`;

/** Two archives, one after the other: the kernel unpacks both. */
function withLoad(archive: Uint8Array): Uint8Array {
  const more = cpio([{ name: 'soak', mode: 0o100755, data: new TextEncoder().encode(LOAD) }]);
  const padded = Math.ceil(archive.length / 512) * 512;
  const all = new Uint8Array(padded + more.length);
  all.set(archive);
  all.set(more, padded);
  return all;
}

/** How long, and how closely looked at. */
export interface SoakOptions {
  readonly instructions: number;
  /** Instructions before the first part that has a window. */
  readonly from: number;
  /** Windows that are replayed, and instructions of one, and between two hashes. */
  readonly samples: number;
  readonly window: number;
  readonly step: number;
  readonly engineOptions: EngineOptions;
  readonly flavour: 'arm64' | 'cloud-arm64';
}

/** A point where the machine was saved, and its hashes after that, every `step` instructions. */
export interface Sample {
  readonly at: number;
  readonly snapshot: Uint8Array;
  readonly hashes: readonly string[];
}

/** What the run was like. */
export interface SoakReport {
  readonly machine: Machine;
  readonly console: string;
  /** Resident bytes of the process, at equal distances of instructions. */
  readonly resident: readonly number[];
  readonly counts: Readonly<Record<string, number>>;
  /** Processor time of this process, without what was replayed elsewhere. */
  readonly seconds: number;
  /** How often each loop of the load went round. */
  readonly rounds: Readonly<Record<string, number>>;
  /** Lines of the console that should not be there. */
  readonly wrong: readonly string[];
}

/** The board, the same for the run and for those who replay. */
function soakConfig(engine: 'jit' | 'reference', engineOptions: EngineOptions): MachineConfig {
  const config = virt({
    memory: '256M',
    cpus: 4,
    gic: { version: 3 },
    virtio: [{ name: 'net', type: 'virtio-net' }],
  });
  return { ...config, engine, ...(engine === 'jit' && { engineOptions }) };
}

/** What is at the other end of its cable. */
const soakNetworks = (): { readonly net: ReturnType<typeof userNetwork> } => ({ net: userNetwork() });

/** Instructions between two looks at the process's memory. */
const LOOK = 20_000_000;

/** Where windows begin: one in each of equal parts, at places that look random and are always the same. */
function places({ instructions, from, samples, window }: SoakOptions): number[] {
  const part = (instructions - from) / samples;
  let seed = 1;
  return Array.from({ length: samples }, (_, i) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor(from + i * part + (seed / 2 ** 32) * (part - window));
  });
}

/** Runs it. `replay` gets each sample; `say` a line now and then. */
export async function soak(
  options: SoakOptions,
  replay: (sample: Sample) => Promise<void>,
  say: (line: string) => void,
): Promise<SoakReport> {
  const files = await debianFiles(options.flavour, say);
  let text = '';
  const up = new TextWatch(SHELL_MARKER);
  const machine: Machine = createMachine(soakConfig('jit', options.engineOptions), {
    networks: soakNetworks(),
    record: false,
    output: (device, byte) => {
      if (device !== 'serial') return;
      text += String.fromCharCode(byte);
      if (up.seen(byte)) machine.type('serial', new TextEncoder().encode('sh /soak\n'));
    },
  });
  machine.load({
    kernel: readKernel(files.kernel, files.version, 0x4000_0000),
    initrd: withLoad(initramfs(files)),
    append: `console=ttyAMA0 ${LINUX}`,
  });
  const resident: number[] = [];
  const run = (until: number): void => {
    while (machine.instructions < until) {
      const next = (Math.floor(machine.instructions / LOOK) + 1) * LOOK;
      const end = machine.run(Math.min(next, until) - machine.instructions);
      if (end !== 'budget') throw new Error(`the guest ended: ${end}\n${text.slice(-2000)}`);
      if (machine.instructions === next) resident.push(process.memoryUsage.rss());
    }
  };
  for (const at of places(options)) {
    run(at);
    const snapshot = await encodeSnapshot(machine.save());
    const hashes: string[] = [];
    // The machine goes on with all that it has compiled: that is what is compared.
    for (let done = options.step; done <= options.window; done += options.step) {
      run(at + done);
      hashes.push(machine.hash());
    }
    say(`sample at ${at}: ${snapshot.length} bytes; ${text.split('\n').at(-2) ?? ''}`);
    await replay({ at, snapshot, hashes });
  }
  run(options.instructions);
  const lines = text.replaceAll('\r', '').split('\n');
  const rounds: Record<string, number> = {};
  for (const line of lines) {
    const [, name = '', n = ''] = /^soak: (\w+) (\d+)$/.exec(line) ?? [];
    if (name !== '') rounds[name] = Number(n);
  }
  const { user, system } = process.cpuUsage();
  return {
    machine,
    console: lines.join('\n'),
    resident,
    counts: Object.fromEntries(engineCounts(machine).map(({ name, count }) => [name, count])),
    seconds: (user + system) / 1e6,
    rounds,
    wrong: lines.filter((line) => WRONG.test(line)),
  };
}

const WRONG = /Kernel panic|Oops|BUG:|WARNING:|INFO: |Segmentation fault|Illegal instruction|soak: differs/;

/** What is wrong with how much memory the process had: much of it, or ever more. */
export function verdict(resident: readonly number[]): readonly string[] {
  const mean = (part: readonly number[]): number =>
    part.reduce((a, b) => a + b, 0) / Math.max(1, part.length);
  const quarter = Math.floor(resident.length / 4);
  // What is compiled and what V8 keeps of it settles first.
  const [early, late] = [mean(resident.slice(quarter, 2 * quarter)), mean(resident.slice(3 * quarter))];
  const most = Math.max(0, ...resident);
  return [
    ...(most > MOST ? [`the process had ${Math.round(most / 2 ** 20)} MiB`] : []),
    ...(quarter > 0 && late > early * 1.2
      ? [`memory grew by ${Math.round((late / early - 1) * 100)} %`]
      : []),
  ];
}

/** Bytes that the process may have: guest memory, tables, what V8 made of the interpreter and of live regions. */
const MOST = 2 ** 31;

/** Runs a sample's window on the reference engine; says where it differs, or nothing. */
export async function replayed(
  { at, snapshot, hashes }: Sample,
  { step }: Pick<SoakOptions, 'step'>,
): Promise<string | undefined> {
  const machine = restoreMachine(soakConfig('reference', {}), await decodeSnapshot(snapshot), {
    networks: soakNetworks(),
    record: false,
  });
  for (const [i, hash] of hashes.entries()) {
    machine.run(step);
    const after = at + (i + 1) * step;
    if (machine.instructions !== after)
      return `after ${machine.instructions}, not ${after}, instructions it stopped`;
    if (machine.hash() !== hash) return `differs between ${after - step} and ${after} instructions`;
  }
  return undefined;
}
