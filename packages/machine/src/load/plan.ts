// What a board's boot loader would put where, without a board that runs: for those who place a guest's images themselves.

import { buildBoard } from '../board/board.ts';
import { checkConfig } from '../config/config.ts';
import type { MachineConfig } from '../config/config.ts';
import { placeBoot } from './boot.ts';
import type { BootImages, Placed } from './boot.ts';

/** Nothing behind a disk: the device tree does not tell. */
const noDisk = { sectors: 1, readOnly: true, read: () => true, write: () => false, flush: () => true };

/**
 * Says where the images, and the device tree that is made for them, would lie on a board, and how the CPU would be entered.
 *
 * @throws ConfigurationError as `Machine.load` would
 */
export function planBoot(config: MachineConfig, images: BootImages): Placed {
  const checked = checkConfig({ ...config, engine: 'reference' });
  const board = buildBoard(checked, {
    firmware: { call: () => false },
    output: () => undefined,
    disks: Object.fromEntries(checked.devices.map(({ name }) => [name, noDisk])),
  });
  return placeBoot(board, images);
}
