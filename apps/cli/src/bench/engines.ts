// What benchmarks run on: the engines that a board can be given, and QEMU.

import { checkConfig, ConfigurationError, virt } from '@worldswitch/machine';
import type { MachineConfig } from '@worldswitch/machine';

import { CliError } from '../errors.ts';
import { hasQemu, QEMU } from './qemu.ts';

/** An engine of ours, or the fast one in timing mode, or in a VM of the hypervisor. */
export type EngineName = NonNullable<MachineConfig['engine']> | 'timing' | 'vm';

/** What a board is told. */
export function settingsOf(name: EngineName): Pick<MachineConfig, 'engine' | 'timing'> {
  if (name === 'timing') return { engine: 'jit', timing: 'cortex-a57' };
  return { engine: name === 'vm' ? 'jit' : name };
}

/** Something that runs guests. */
export interface BenchEngine {
  readonly name: string;
  /** The part of the usual units of work that it is given: slow engines get less. */
  readonly share: number;
  /** Ours: what the board calls it. */
  readonly own?: EngineName;
  /** QEMU: further arguments. */
  readonly qemu?: readonly string[];
}

/** One tick of CNTVCT_EL0 is one instruction: QEMU's deterministic mode. */
const ICOUNT = ['-icount', 'shift=4'];

/** Ours by name, with their shares. A name that no board takes is no engine yet, or no longer. */
const OWN: Readonly<Record<string, number>> = {
  jit: 1,
  timing: 1,
  vm: 1,
  interpreter: 0.15,
  reference: 0.001,
};

function isOwn(name: string): name is EngineName {
  try {
    checkConfig(virt(settingsOf(name as EngineName)));
    return true;
  } catch (thrown) {
    if (thrown instanceof ConfigurationError) return false;
    throw thrown;
  }
}

/** All that there are, whether QEMU is installed or not. */
export function knownEngines(): readonly BenchEngine[] {
  const own = Object.entries(OWN).flatMap(([name, share]) =>
    isOwn(name) ? [{ name, share, own: name }] : [],
  );
  return [...own, { name: 'qemu', share: 1, qemu: [] }, { name: 'qemu-icount', share: 1, qemu: ICOUNT }];
}

/** What is measured unless the user says otherwise: the reference engine is no engine for speed. */
const USUAL = ['jit', 'timing', 'vm', 'interpreter', 'qemu', 'qemu-icount'];

/** The engines that `--engines` names, without QEMU where it is not installed. */
export function chosenEngines(text: string | undefined, say: (line: string) => void): readonly BenchEngine[] {
  const known = knownEngines();
  const names = text?.split(',') ?? USUAL.filter((name) => known.some((engine) => engine.name === name));
  const chosen = [...new Set(names)].map((name) => {
    const engine = known.find((one) => one.name === name);
    if (engine === undefined)
      throw new CliError(
        `--engines: no engine is called "${name}"; there are ${known.map((one) => one.name).join(', ')}`,
      );
    return engine;
  });
  if (chosen.every(({ qemu }) => qemu === undefined) || hasQemu()) return chosen;
  say(`${QEMU} is not installed: no columns of QEMU's, no ratios`);
  const left = chosen.filter(({ qemu }) => qemu === undefined);
  if (left.length === 0) throw new CliError('--engines: none is left to run');
  return left;
}
