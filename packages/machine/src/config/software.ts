// Privileged software in TypeScript in a board's configuration: pages of a region that no other part of `virt` has.

import { pa } from '@worldswitch/platform';
import type {
  Pa,
  Plain,
  PrivilegedSoftware,
  SoftwareContext,
  SoftwareType,
  StateCodec,
} from '@worldswitch/platform';

import { ConfigurationError } from '../errors.ts';
import type { AddressInput } from './config.ts';

/** The region of the pages, where no more is said: 16 pages from 0x0b00_0000. */
const REGION = { base: 0x0b00_0000, page: 0x1000, pages: 16 } as const;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- software of different states in one board
export type AnySoftwareType = SoftwareType<any>;

/** One piece of software on the board. */
export interface SoftwareConfig {
  /** Unique among all parts. */
  readonly name: string;
  readonly type: AnySoftwareType;
  /** The physical address of its page; the n-th page of the region at 0x0b00_0000 when absent. */
  readonly at?: AddressInput | undefined;
  /** CPUs are powered on into it. True for the first of the list unless another one says it, or this one says false. */
  readonly boot?: boolean | undefined;
}

/** The same, checked. */
export interface CheckedSoftware {
  readonly name: string;
  readonly type: AnySoftwareType;
  readonly page: Pa;
  readonly boot: boolean;
}

/**
 * Software for a board's configuration.
 *
 * @param name - unique among all parts; lower case letters, digits and -
 * @param create - makes it, at power-on and, with a state, on restore
 * @param state - how a saved state is checked
 */
export function attachSoftware<State extends Plain>(
  name: string,
  create: (context: SoftwareContext, state?: State) => PrivilegedSoftware<State>,
  state: StateCodec<State>,
): SoftwareConfig {
  return { name, type: { create, state } };
}

/** Checks the list, given the names that are taken. */
export function checkSoftware(
  list: unknown,
  names: Set<string>,
  addressOf: (given: AddressInput) => number,
): CheckedSoftware[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw new ConfigurationError('software', 'must be a list');
  const given = list as readonly unknown[];
  if (given.length > REGION.pages)
    throw new ConfigurationError('software', `must be at most ${REGION.pages} pieces`);
  const chosen = given.findIndex((one) => (one as Partial<SoftwareConfig> | null)?.boot === true);
  return given.map((one, i) => {
    const field = `software[${i}]`;
    const { name, type, at, boot } = (one ?? {}) as Partial<SoftwareConfig>;
    if (typeof name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(name))
      throw new ConfigurationError(`${field}.name`, 'must be lower case letters, digits and -');
    if (names.has(name)) throw new ConfigurationError(`${field}.name`, `"${name}" is taken by another part`);
    names.add(name);
    if (typeof type?.create !== 'function' || typeof type.state.parse !== 'function')
      throw new ConfigurationError(`${field}.type`, 'must be a SoftwareType');
    if (boot === true && i !== chosen)
      throw new ConfigurationError(`${field}.boot`, 'CPUs are powered on into one piece of software alone');
    const page = at === undefined ? REGION.base + i * REGION.page : addressOf(at);
    if (!Number.isSafeInteger(page) || page < 0 || page % REGION.page !== 0)
      throw new ConfigurationError(`${field}.at`, 'must be the address of a page of 4 KiB');
    return { name, type, page: pa(page), boot: chosen >= 0 ? i === chosen : i === 0 && boot !== false };
  });
}
