// `--machine virt,...`: QEMU's name for the board and its properties.

import { KeyValues } from './key-values.ts';

/** What `-M` says about the board. */
export interface MachineOption {
  readonly gic: 2 | 3 | undefined;
  readonly el2: boolean | undefined;
  readonly el3: boolean | undefined;
  /** False: no `kaslr-seed` and no `rng-seed`. */
  readonly randomness: boolean;
}

const KEYS = [
  'type',
  'gic-version',
  'virtualization',
  'secure',
  'dtb-randomness',
  'highmem',
  'its',
  'acpi',
  'usb',
  'graphics',
  'accel',
];

/** Reads `virt,gic-version=3,virtualization=on,secure=on`. What the board does not have may be `off`. */
export function parseMachine(text: string): MachineOption {
  const given = new KeyValues('--machine', text, 'type', KEYS);
  given.choice('type', ['virt'], 'virt', ': that is the board');
  for (const absent of ['its', 'acpi', 'usb', 'graphics'])
    given.choice(absent, ['off'], 'off', ': this board has none');
  given.choice('accel', ['tcg'], 'tcg', ': everything is simulated');
  given.flag('highmem', true);
  const version = given.choice('gic-version', ['2', '3', 'max'], '2');
  const flag = (key: string): boolean | undefined =>
    given.text(key) === undefined ? undefined : given.flag(key, false);
  return {
    gic: given.text('gic-version') === undefined ? undefined : version === '2' ? 2 : 3,
    el2: flag('virtualization'),
    el3: flag('secure'),
    randomness: given.flag('dtb-randomness', true),
  };
}
