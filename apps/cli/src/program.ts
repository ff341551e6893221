// The command's words: names and habits are QEMU's where QEMU has them.

import { readFile } from 'node:fs/promises';

import { Command, Option } from 'commander';

import { tiny } from '@worldswitch/guests';
import { checkConfig, cpuModels, rawKernel, readKernel, unpacked, virt } from '@worldswitch/machine';
import type { BootImages, MachineConfig } from '@worldswitch/machine';

import { readBoard } from './board-file.ts';
import { debianFiles } from './debian/fetch.ts';
import { initramfs } from './debian/initramfs.ts';
import { CliError } from './errors.ts';
import { readNamed } from './files.ts';
import { runSession } from './session.ts';

interface RunOptions {
  readonly config?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly dtb?: string;
  readonly load?: string;
  readonly cpu?: (typeof cpuModels)[number];
  readonly memory?: string;
  readonly el2?: boolean;
  readonly engine?: 'jit' | 'reference';
  readonly console: string;
  readonly until?: string;
  readonly input?: string;
  readonly inputAfter?: string;
  readonly timeout?: number;
  readonly instructions?: number;
  readonly hashEvery?: number;
  readonly save?: string;
  readonly restore?: string;
  readonly stdin: boolean;
}

/** A guest that has a name: what it brings. */
interface NamedGuest {
  readonly images?: BootImages;
  readonly memory?: string;
}

const RAM = 0x4000_0000;

function positive(option: string): (text: string) => number {
  return (text) => {
    const n = Number(text);
    if (!Number.isFinite(n) || n <= 0) throw new CliError(`${option} ${text}: must be a number above zero`);
    return n;
  };
}

async function tinyGuest(append: string): Promise<NamedGuest> {
  const image = new Uint8Array(await readFile(tiny.image));
  return { images: { kernel: readKernel(image, 'tiny', RAM), name: 'tiny', append }, memory: '128M' };
}

async function debianGuest(flavour: 'arm64' | 'cloud-arm64', append: string): Promise<NamedGuest> {
  const files = await debianFiles(flavour, (line) => process.stderr.write(`worldswitch: ${line}\n`));
  return {
    images: {
      kernel: readKernel(files.kernel, files.version, RAM),
      name: files.version,
      initrd: initramfs(files),
      append,
    },
    memory: '512M',
  };
}

async function namedGuest(name: string, append: string | undefined): Promise<NamedGuest> {
  // The kernel's own self-tests of RSA are 60 % of the instructions of a boot.
  const linux = append ?? 'console=ttyAMA0 cryptomgr.notests=1';
  if (name === 'tiny') return tinyGuest(append ?? 'selftest bench poweroff');
  if (name === 'debian') return debianGuest('arm64', linux);
  if (name === 'debian-cloud') return debianGuest('cloud-arm64', linux);
  throw new CliError(
    `no guest is called "${name}"; there are tiny, debian and debian-cloud, or give --kernel FILE`,
  );
}

async function fileGuest(o: RunOptions, ram: number): Promise<NamedGuest> {
  if (o.kernel === undefined)
    throw new CliError('nothing to run: name a guest (tiny, debian, debian-cloud) or give --kernel FILE');
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

function boardOf(o: RunOptions, given: MachineConfig | undefined, guest: NamedGuest): MachineConfig {
  return {
    ...(given ?? virt({ memory: guest.memory })),
    ...(o.cpu !== undefined && { cpu: o.cpu }),
    ...(o.memory !== undefined && { memory: o.memory }),
    ...(o.el2 !== undefined && { el2: o.el2 }),
    ...(o.engine !== undefined && { engine: o.engine }),
  };
}

async function run(name: string | undefined, o: RunOptions): Promise<void> {
  if (name !== undefined && o.kernel !== undefined)
    throw new CliError(`give either the guest ${name} or --kernel, not both`);
  const restoring = o.restore !== undefined && name === undefined && o.kernel === undefined;
  const given = o.config === undefined ? undefined : await readBoard(o.config);
  const ram = given === undefined ? RAM : checkConfig(given).ramBase;
  const guest = restoring
    ? {}
    : name === undefined
      ? await fileGuest(o, ram)
      : await namedGuest(name, o.append);
  const tree = o.dtb === undefined ? undefined : await readNamed(o.dtb, '--dtb');
  const end = await runSession({
    config: boardOf(o, given, guest),
    images: guest.images && { ...guest.images, tree },
    console: o.console,
    until: o.until,
    input: o.input === undefined ? undefined : await readNamed(o.input, '--input'),
    inputAfter: o.inputAfter,
    timeout: o.timeout,
    instructions: o.instructions,
    hashEvery: o.hashEvery,
    save: o.save,
    restore: o.restore === undefined ? undefined : await readNamed(o.restore, '--restore'),
    stdin: o.stdin && o.input === undefined,
  });
  process.exitCode = end.status;
}

async function start(what: string | undefined): Promise<void> {
  if (what !== undefined && what !== 'shell')
    throw new CliError(`start takes "shell" or nothing, not "${what}"`);
  const shell = what === 'shell';
  const guest = await tinyGuest(shell ? '' : 'selftest bench poweroff');
  if (shell) process.stderr.write("worldswitch: tiny's shell; type help, poweroff ends it, Ctrl-A x quits\n");
  const end = await runSession({
    config: virt({ memory: '128M' }),
    images: guest.images,
    console: 'serial',
    stdin: shell,
  });
  process.exitCode = end.status;
}

const EXAMPLES = `
Examples:
  worldswitch run tiny                                our small kernel: self-test, benchmarks, power-off
  worldswitch run debian                              Debian's arm64 kernel to a busybox shell
  worldswitch run debian --el2                        the same, entered at EL2: KVM initialises
  worldswitch run --kernel Image --initrd initrd.gz --append "console=ttyAMA0"
  worldswitch run --config board.yaml --kernel app.elf
  worldswitch run tiny --append "" --input commands.txt --until "bye" --timeout 60

At a terminal Ctrl-A x quits. Exit status: 0 when the guest powered off or --until was seen, 1 when the guest got lost,
2 for a wrong option or file, 3 when the guest waits for ever, 124 after --timeout.`;

/** The whole command line. */
export function program(): Command {
  const command = new Command('worldswitch')
    .description('Real Arm hardware, simulated: runs unmodified Armv8-A kernels in Node')
    .exitOverride()
    .addHelpText('after', EXAMPLES);
  command
    .command('run')
    .description('runs a guest: tiny, debian, debian-cloud, or a kernel of your own')
    .argument('[guest]', 'tiny, debian or debian-cloud')
    .option('--config <file>', 'the board: YAML, JSON, or a module that exports it')
    .option('--kernel <file>', 'arm64 Image, ELF, or gzip of either')
    .option('--initrd <file>', 'initial RAM disk')
    .option('--append <text>', 'kernel command line')
    .option('--dtb <file>', 'device tree instead of the generated one')
    .option('--load <address>', 'the kernel is a raw binary for this address')
    .addOption(new Option('--cpu <model>', 'CPU model').choices([...cpuModels]))
    .option('-m, --memory <size>', 'RAM, for example 256M or 1G')
    .option('--el2', 'the machine has EL2, and the guest is entered at it')
    .addOption(new Option('--engine <name>', 'what executes instructions').choices(['jit', 'reference']))
    .option('--console <device>', 'the serial device at the terminal', 'serial')
    .option('--until <text>', 'end when the console prints this')
    .option('--input <file>', 'type this into the console')
    .option('--input-after <text>', 'type --input when the console has printed this')
    .option('--timeout <seconds>', 'end after so many seconds', positive('--timeout'))
    .option('--instructions <n>', 'end after so many instructions', positive('--instructions'))
    .option(
      '--hash-every <n>',
      'print a hash of the machine at every so many instructions',
      positive('--hash-every'),
    )
    .option('--save <file>', 'write a snapshot when the run ends')
    .option('--restore <file>', 'go on from a snapshot, on the same board')
    .option('--no-stdin', 'do not read standard input')
    .exitOverride()
    .action(run);
  command
    .command('start')
    .description("tiny's self-test and benchmarks, or its shell: what npm start runs")
    .argument('[what]', 'shell')
    .exitOverride()
    .action(start);
  return command;
}
