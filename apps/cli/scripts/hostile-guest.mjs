// The hostile guest at length, with the built packages: node apps/cli/scripts/hostile-guest.mjs [OPERATIONS] [WORKERS]
//
// Boards of every kind run the image `fuzz`, which counts its operations in memory. A guest that is lost (it has switched itself off,
// or does no more operations) is started again with the next seed, on the same machine after a reset. An exception out of the machine,
// an end that is not defined, and a task without a sign of life for two minutes are failures, told with what repeats them.
import { readFile } from 'node:fs/promises';
import { parentPort, Worker } from 'node:worker_threads';

import { memoryDisk, userNetwork } from '@worldswitch/devices';
import { fuzz } from '@worldswitch/guests';
import { createMachine, readKernel, virt } from '@worldswitch/machine';

/** Parts in a thousand of the operations, of each kind. */
const SHARES = { mmio: 300, virtio: 150, gic: 250, registers: 180, tables: 100, code: 20 };
const TASK = 250_000; // operations of one task, which builds a machine
const SLICE = 200_000; // instructions between two looks at the guest's counters
const LEAST = 8; // operations of a slice, below which a guest is lost
const SHORTEST = 40; // instructions of an operation: a counter that grew by more is no counter
const LONGEST = 2 ** 30; // operations asked of the guest: it is to be stopped from outside
const COUNTERS = 0x47f0_0000;
const ENDS = new Set(['off', 'idle', 'dead', 'budget', 'reset']);
const SILENCE = 120_000;

/** The boards: each level, both interrupt controllers, one CPU and four. At EL3 no firmware starts the others. */
const BOARDS = [1, 2, 3].flatMap((level) =>
  [2, 3].flatMap((gic) => (level === 3 ? [1] : [1, 4]).map((cpus) => ({ level, gic, cpus }))),
);

function built({ level, gic, cpus }) {
  const virtio = ['blk', 'net', 'console', 'rng'].map((kind) => ({ name: kind, type: `virtio-${kind}` }));
  return createMachine(
    virt({ memory: '128M', cpus, el2: level >= 2, el3: level === 3, gic: { version: gic }, virtio }),
    { disks: { blk: memoryDisk(new Uint8Array(65_536)) }, networks: { net: userNetwork() } },
  );
}

/** The operations that the guest's CPUs have counted, where it has not overwritten them. */
function counted(machine, cpus) {
  const { base, memory } = machine.bus.memoryAt(COUNTERS);
  const view = new DataView(memory.bytes.buffer, memory.bytes.byteOffset + COUNTERS - base, cpus * 8);
  return Array.from({ length: cpus }, (_, cpu) => view.getUint32(cpu * 8, true)).reduce((a, b) => a + b);
}

/** One guest from its start until it is lost or has done enough; adds to the counts. */
function guest(machine, task, wanted, counts) {
  for (let known = 0; known < wanted;) {
    const before = machine.instructions;
    const end = machine.run(SLICE);
    if (!ENDS.has(end)) throw new Error(`the end '${end}' is not defined`);
    const executed = machine.instructions - before;
    counts.instructions += executed;
    const done = counted(machine, task.cpus) - known;
    const believed = done >= 0 && done <= executed / SHORTEST;
    if (believed) {
      counts.operations += done;
      known += done;
    }
    if (end === 'budget' && believed && done >= LEAST) continue;
    counts.ends[end] = (counts.ends[end] ?? 0) + 1;
    return;
  }
  counts.ends.enough = (counts.ends.enough ?? 0) + 1;
}

function perform(image, task) {
  const counts = { operations: 0, instructions: 0, guests: 0, ends: {} };
  const machine = built(task);
  while (counts.operations < task.operations) {
    const seed = task.seed * 100_000 + ++counts.guests;
    machine.load({ kernel: image, append: `fuzz:${task.mode},${seed},${LONGEST}` });
    if (counts.guests > 1) machine.reset();
    guest(machine, task, task.operations - counts.operations, counts);
    if (counts.guests % 100 === 0) parentPort.postMessage({ alive: true });
    if (counts.guests === 20_000) throw new Error('guests are lost before they do anything');
  }
  machine.save();
  return counts;
}

async function work() {
  const image = readKernel(new Uint8Array(await readFile(fuzz.image)), 'fuzz', 0x4000_0000);
  parentPort.on('message', (task) => {
    try {
      parentPort.postMessage({ counts: perform(image, task) });
    } catch (error) {
      parentPort.postMessage({ failure: error instanceof Error ? error.stack : String(error) });
    }
  });
  parentPort.postMessage({ alive: true, ready: true });
}

function tasksOf(total) {
  const tasks = [];
  const scale = total / 1000 / BOARDS.length;
  for (const [mode, share] of Object.entries(SHARES)) {
    for (const board of BOARDS) {
      let left = Math.ceil(share * scale);
      for (let seed = 1; left > 0; seed++, left -= TASK) {
        tasks.push({ ...board, mode, seed, operations: Math.min(left, TASK) });
      }
    }
  }
  // all kinds from the start on
  return tasks.sort((a, b) => a.seed - b.seed);
}

const megabytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;
const named = ({ mode, level, gic, cpus, seed, operations }) =>
  `${mode}, EL${level}, GICv${gic}, ${cpus} CPUs, seed ${seed}, ${operations} operations`;

function campaign(total, workers) {
  const tasks = tasksOf(total);
  const all = tasks.length;
  const sum = { operations: 0, instructions: 0, guests: 0, ends: {}, modes: {} };
  const started = performance.now();
  let done = 0;
  const fail = (task, text) => {
    process.stdout.write(`hostile guest: FAILED: ${task ? named(task) : 'before a task'}: ${text}\n`);
    process.exit(1);
  };
  const report = (what) => {
    const seconds = (performance.now() - started) / 1000;
    const rate = Math.round(sum.operations / seconds);
    const peak = megabytes(process.resourceUsage().maxRSS * 1024);
    process.stdout.write(
      `hostile guest: ${what} ${sum.operations} operations in ${Math.round(seconds)} s (${rate} a second), ` +
        `${sum.instructions} instructions, ${sum.guests} guests, ends ${JSON.stringify(sum.ends)}, ` +
        `resident ${megabytes(process.memoryUsage().rss)}, at most ${peak}\n`,
    );
  };
  const add = (task, counts) => {
    for (const key of ['operations', 'instructions', 'guests']) sum[key] += counts[key];
    for (const [end, times] of Object.entries(counts.ends)) sum.ends[end] = (sum.ends[end] ?? 0) + times;
    sum.modes[task.mode] = (sum.modes[task.mode] ?? 0) + counts.operations;
    if (++done % 20 === 0) report(`${done} of ${all} tasks,`);
    if (done < all) return;
    process.stdout.write(`hostile guest: ${JSON.stringify(sum.modes)}\n`);
    report('all done,');
    process.exit(0);
  };
  for (let i = 0; i < workers; i++) {
    const worker = new Worker(new URL(import.meta.url));
    let task, watchdog;
    const watch = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => fail(task, 'it hangs'), SILENCE);
    };
    worker.on('error', (error) => fail(task, String(error)));
    worker.on('message', ({ ready, counts, failure }) => {
      if (failure) fail(task, failure);
      if (counts) add(task, counts);
      watch();
      if (!ready && !counts) return;
      task = tasks.shift();
      if (task) worker.postMessage(task);
      else clearTimeout(watchdog);
    });
  }
}

if (parentPort) await work();
else campaign(Number(process.argv[2] ?? 100_000_000), Number(process.argv[3] ?? 2));
