// The command's words: names and habits are QEMU's where QEMU has them.

import { Command } from 'commander';

import { checkConfig, rawKernel, readKernel, unpacked, virt } from '@worldswitch/machine';

import { addBench } from './bench/command.ts';
import { readBoard } from './board-file.ts';
import { describeBoard } from './board.ts';
import { addCompare, compare } from './compare/command.ts';
import { CliError } from './errors.ts';
import { readNamed } from './files.ts';
import { guestNames, namedGuest, tinyGuest } from './guests.ts';
import type { Guest } from './guests.ts';
import { addLedger } from './ledger/command.ts';
import { checkLockStep } from './lock-step.ts';
import { addNano } from './nano/command.ts';
import { addRunOptions } from './options/run-options.ts';
import type { RunOptions } from './options/run-options.ts';
import { addRewrite } from './rewrite/command.ts';
import { runSession } from './session.ts';
import type { Typed } from './session.ts';

const RAM = 0x4000_0000;

const say = (line: string): void => {
  process.stderr.write(`worldswitch: ${line}\n`);
};

async function fileGuest(o: RunOptions, ram: number): Promise<Guest> {
  if (o.kernel === undefined)
    throw new CliError(
      `nothing to run: name a guest (${Object.keys(guestNames).join(', ')}) or give --kernel FILE`,
    );
  const bytes = await unpacked(await readNamed(o.kernel, '--kernel'), o.kernel);
  const load = o.load === undefined ? undefined : Number(o.load);
  if (load !== undefined && !(Number.isSafeInteger(load) && load >= 0))
    throw new CliError(`--load ${o.load ?? ''}: must be an address`);
  const kernel = load === undefined ? readKernel(bytes, o.kernel, ram) : rawKernel(bytes, load);
  return {
    images: {
      kernel,
      name: o.kernel,
      append: o.append,
      initrd: o.initrd === undefined ? undefined : await readNamed(o.initrd, '--initrd'),
    },
  };
}

async function guestOf(name: string | undefined, o: RunOptions, ram: number): Promise<Guest> {
  if (name !== undefined && o.kernel !== undefined)
    throw new CliError(`give either the guest ${name} or --kernel, not both`);
  if (name !== undefined && (o.el3 ?? o.machine?.el3) === true)
    throw new CliError(
      `--el3: ${name} starts at EL2 or EL1; at EL3 firmware starts: give it with --kernel FILE`,
    );
  if (name !== undefined)
    return namedGuest(name, { append: o.append, xenAppend: o.xenAppend, cpus: o.smp ?? 1, say });
  return o.restore !== undefined && o.kernel === undefined ? {} : fileGuest(o, ram);
}

async function typedBy(o: RunOptions): Promise<readonly Typed[]> {
  if (o.input === undefined) return [];
  return [{ bytes: await readNamed(o.input, '--input'), after: o.inputAfter }];
}

async function run(name: string | undefined, o: RunOptions): Promise<void> {
  checkLockStep(o);
  const given = o.config === undefined ? undefined : await readBoard(o.config);
  const guest = await guestOf(name, o, given === undefined ? RAM : checkConfig(given).ramBase);
  const tree = o.dtb === undefined ? undefined : await readNamed(o.dtb, '--dtb');
  if (o.rtc?.host === true)
    say(`--rtc base=${new Date(o.rtc.start * 1000).toISOString().slice(0, 19)} gives the same clock again`);
  const end = await runSession({
    ...describeBoard(o, given, guest),
    images: guest.images && { ...guest.images, tree },
    until: o.until ?? guest.until,
    typed: [...(guest.typed ?? []), ...(await typedBy(o))],
    timeout: o.timeout,
    instructions: o.instructions,
    hashEvery: o.hashEvery,
    lockStep: o.lockStep,
    save: o.save,
    restore: o.restore === undefined ? undefined : await readNamed(o.restore, '--restore'),
    stdin: o.stdin && o.input === undefined,
    json: o.json,
    engineStats: o.engineStats,
    engineTrace: o.engineTrace,
    noReboot: !o.reboot,
  });
  process.exitCode = end.status;
}

async function start(what: string | undefined): Promise<void> {
  if (what !== undefined && what !== 'shell')
    throw new CliError(`start takes "shell" or nothing, not "${what}"`);
  if (what === undefined) {
    await compare('tiny');
    return;
  }
  const guest = await tinyGuest('');
  say("tiny's shell; type help, poweroff ends it, Ctrl-A x quits");
  const end = await runSession({
    config: virt({ memory: '128M' }),
    images: guest.images,
    consoles: [{ device: 'serial', to: { kind: 'stdio' }, option: 'the terminal' }],
    stdin: true,
  });
  process.exitCode = end.status;
}

const GUESTS = Object.entries(guestNames)
  .map(([name, what]) => `  ${name.padEnd(18)}${what}`)
  .join('\n');

const EXAMPLES = `
Guests:
${GUESTS}

Examples:
  worldswitch run debian                              a shell; poweroff -f ends it
  worldswitch run debian --el2 --gic 3 --smp 4        four CPUs, GICv3, entered at EL2: KVM initialises
  worldswitch run debian --drive disk.img --nic user  with a disk (/dev/vda) and a network (udhcpc -i eth0)
  worldswitch run debian --serial stdio --console unix:hvc0.sock,server=on,wait=off
  worldswitch run xen-dom0                            Debian under Xen
  worldswitch run -kernel Image -initrd initrd.gz -append "console=ttyAMA0" -m 1G -smp 2 -nographic
  worldswitch compare debian --smp 4 --gic 3          natively and in a VM, side by side
  worldswitch run --config board.yaml --kernel app.elf
  worldswitch run debian --input commands.txt --input-after "Debian is up" --timeout 120 --json counts.json

At a terminal Ctrl-A x quits, Ctrl-A p presses the power button (so does SIGUSR2) and Ctrl-A s shows counts. Exit status: 0 when
the guest powered off or --until was seen, 1 when the guest got lost, 2 for a wrong option or file, 3 when the guest waits for
ever, 124 after --timeout, 130 after Ctrl-C.`;

/** The whole command line. */
export function program(): Command {
  const command = new Command('worldswitch')
    .description('Real Arm hardware, simulated: runs unmodified Armv8-A kernels in Node')
    .exitOverride()
    .addHelpText('after', EXAMPLES);
  const running = command
    .command('run')
    .description('runs a guest by its name, or a kernel of your own')
    .argument('[guest]', Object.keys(guestNames).join(', '))
    .addHelpText('after', EXAMPLES)
    .exitOverride();
  addRunOptions(running).action(run);
  command
    .command('start')
    .description("tiny on each system, side by side, or tiny's shell: what npm start runs")
    .argument('[what]', 'shell')
    .exitOverride()
    .action(start);
  addCompare(command);
  addLedger(command);
  addRewrite(command);
  addBench(command);
  addNano(command);
  return command;
}
