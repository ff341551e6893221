// The options of `worldswitch run`, in groups, with QEMU's names where QEMU has them.

import { Option } from 'commander';
import type { Command } from 'commander';

import { costProfileNames, cpuModels } from '@worldswitch/machine';
import type { CostProfileName } from '@worldswitch/machine';

import { parseDestination } from './destination.ts';
import type { Destination } from './destination.ts';
import { parseDrive } from './drive.ts';
import type { DriveOption } from './drive.ts';
import { parseEngine } from './engine.ts';
import type { EngineOption } from './engine.ts';
import { parseMachine } from './machine-type.ts';
import type { MachineOption } from './machine-type.ts';
import { parseNetwork } from './network.ts';
import type { NetworkOption } from './network.ts';
import { parseGic, parseLockStep, parseRtc, parseSeed, parseSmp, positive } from './numbers.ts';
import type { RtcOption } from './numbers.ts';

/** What the user said. */
export interface RunOptions {
  readonly config?: string;
  readonly machine?: MachineOption;
  readonly cpu?: (typeof cpuModels)[number];
  readonly smp?: number;
  readonly memory?: string;
  readonly gic?: 2 | 3;
  readonly el2?: boolean;
  readonly el3?: boolean;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly xenAppend?: string;
  readonly dtb?: string;
  readonly load?: string;
  readonly drive?: readonly DriveOption[];
  readonly nic?: readonly (NetworkOption | undefined)[];
  readonly net?: readonly (NetworkOption | undefined)[];
  readonly netdev?: readonly (NetworkOption | undefined)[];
  readonly serial?: readonly Destination[];
  readonly console?: Destination;
  readonly rng?: boolean;
  readonly terminal?: string;
  readonly seed?: number;
  readonly rtc?: RtcOption;
  readonly engine?: EngineOption;
  readonly timing?: CostProfileName;
  readonly until?: string;
  readonly input?: string;
  readonly inputAfter?: string;
  readonly timeout?: number;
  readonly instructions?: number;
  readonly hashEvery?: number;
  readonly lockStep?: number;
  readonly save?: string;
  readonly restore?: string;
  readonly json?: string;
  readonly engineStats?: boolean;
  readonly engineTrace?: string;
  readonly reboot: boolean;
  readonly stdin: boolean;
}

/** An option that may be given several times. */
function repeated<T>(parse: (text: string) => T): (text: string, before: readonly T[] | undefined) => T[] {
  return (text, before = []) => [...before, parse(text)];
}

const network = (option: string): ReturnType<typeof repeated<NetworkOption | undefined>> =>
  repeated((text: string) => parseNetwork(option, text));

/** Adds the options. */
export function addRunOptions(command: Command): Command {
  return command
    .optionsGroup('What to run:')
    .option('-k, --kernel <file>', 'arm64 Image, ELF, or gzip of either')
    .option('--initrd <file>', 'initial RAM disk')
    .option('--append <text>', 'kernel command line')
    .option('--xen-append <text>', "Xen's own command line, for the guests xen and xen-dom0")
    .option('--dtb <file>', 'device tree instead of the generated one')
    .option('--load <address>', 'the kernel is a raw binary for this address')
    .option('--restore <file>', 'go on from a snapshot, on the same board')
    .optionsGroup('The board:')
    .option('--config <file>', 'the board: YAML, JSON, or a module that exports it')
    .option(
      '-M, --machine <type>',
      'virt[,gic-version=2|3][,virtualization=on][,secure=on][,dtb-randomness=off]',
      parseMachine,
    )
    .addOption(new Option('--cpu <model>', 'CPU model').choices([...cpuModels]))
    .option('--smp <n>', 'CPUs, 1 to 8', parseSmp)
    .option('-m, --memory <size>', 'RAM, for example 256M or 1G')
    .option('--gic <version>', 'interrupt controller: 2 (GICv2) or 3 (GICv3)', parseGic)
    .option('--el2', 'the machine has EL2 (virtualisation), and the guest is entered at it')
    .option('--el3', 'the machine has EL3 (TrustZone), and the guest is entered at it')
    .option('--rtc <base>', 'base=utc or base=2026-11-21T12:00:00; 2026-01-01 when absent', (text: string) =>
      parseRtc(text, Date.now()),
    )
    .option(
      '--seed <n>',
      "what the guest's entropy comes from: same seed, same run; 0 gives it none",
      parseSeed,
    )
    .optionsGroup('Devices:')
    .option(
      '--drive <disk>',
      'disk.img, or file=disk.img[,readonly=on][,snapshot=on]; may be repeated',
      repeated(parseDrive),
    )
    .option(
      '--nic <network>',
      'user[,outside=on][,hostfwd=tcp::PORT-:PORT], hubport,hubid=N, socket,listen=:PORT or none; [,mac=ADDRESS]; also --net, --netdev',
      network('--nic'),
    )
    .addOption(new Option('--net <network>').argParser(network('--net')).hideHelp())
    .addOption(new Option('--netdev <network>').argParser(network('--netdev')).hideHelp())
    .option(
      '--serial <where>',
      'a serial port: stdio, null, file:PATH, pipe:PATH, unix:PATH[,server=on], tcp:HOST:PORT[,server=on]; may be repeated',
      repeated((text: string) => parseDestination('--serial', text)),
    )
    .option('--console <where>', 'a virtio console (hvc0), to the same places', (text: string) =>
      parseDestination('--console', text),
    )
    .option('--rng', 'a virtio entropy device (/dev/hwrng)')
    .optionsGroup('The run:')
    .option('--until <text>', 'end when the console prints this')
    .option('--input <file>', 'type this into the console')
    .option('--input-after <text>', 'type --input when the console has printed this')
    .option('--timeout <seconds>', 'end after so many seconds', positive('--timeout'))
    .option('--instructions <n>', 'end after so many instructions', positive('--instructions'))
    .option('--no-reboot', 'end when the guest asks for a reset')
    .option('--no-stdin', 'do not read standard input')
    .option('--terminal <device>', 'the serial device at the terminal, for boards of your own')
    .option(
      '--engine <name>',
      'what executes instructions: jit, interpreter or reference; for tests jit[,threshold=N][,evict=on][,nest=off][,chain=off][,tlb=tiny|N]',
      parseEngine,
    )
    .addOption(
      new Option(
        '--timing <profile>',
        'timing mode: virtual time is cycles by a cost profile, and the summary says what they went into',
      ).choices([...costProfileNames]),
    )
    .optionsGroup('What is recorded:')
    .option('--json <file>', 'write the counts of the run as JSON; - is standard output')
    .option('--engine-stats', 'count what the engine does, and print it and write it to --json')
    .option(
      '--engine-trace <file>',
      'write what the engine does over the run, for Perfetto or chrome://tracing',
    )
    .option(
      '--hash-every <n>',
      'print a hash of the machine at every so many instructions',
      positive('--hash-every'),
    )
    .option(
      '--lock-step <n>',
      'compare with the reference engine after every so many instructions, and end where they differ',
      parseLockStep,
    )
    .option('--save <file>', 'write a snapshot when the run ends')
    .addOption(new Option('--nographic', 'as always').hideHelp())
    .addOption(new Option('--display <none>').choices(['none']).hideHelp());
}
