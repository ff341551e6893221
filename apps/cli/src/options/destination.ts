// Where a console goes: `--serial` and `--console`, with QEMU's words for character devices.

import { CliError } from '../errors.ts';
import { KeyValues } from './key-values.ts';

/** One end of a console, outside the machine. */
export type Destination =
  /** The user's terminal. */
  | { readonly kind: 'stdio' }
  /** Nowhere, and nothing comes from there. */
  | { readonly kind: 'null' }
  /** A file for output. */
  | { readonly kind: 'file'; readonly path: string }
  /** Two FIFOs, PATH.in and PATH.out, or one. */
  | { readonly kind: 'pipe'; readonly path: string }
  | { readonly kind: 'unix'; readonly path: string; readonly server: boolean; readonly wait: boolean }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly server: boolean;
      readonly wait: boolean;
    };

const WORDS =
  'stdio, null, file:PATH, pipe:PATH, unix:PATH[,server=on,wait=off], tcp:HOST:PORT[,server=on,wait=off]';

/** Reads one destination. `option` is what the user wrote before it. */
export function parseDestination(option: string, text: string): Destination {
  const [kind = ''] = text.split(':');
  const rest = text.slice(kind.length + 1);
  if (text === 'stdio' || text === 'mon:stdio') return { kind: 'stdio' };
  if (text === 'null' || text === 'none') return { kind: 'null' };
  if ((kind === 'file' || kind === 'pipe') && rest !== '') return { kind, path: rest };
  if (kind === 'unix' && rest !== '') {
    const given = new KeyValues(option, rest, 'path', ['path', 'server', 'wait']);
    return { kind, path: given.text('path') ?? '', ...roles(given) };
  }
  if (kind === 'tcp' && rest !== '') {
    const given = new KeyValues(option, rest, 'address', ['address', 'server', 'wait', 'nodelay']);
    const address = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(given.text('address') ?? '');
    const port = Number(address?.[3] ?? 0);
    if (address === null || port < 1 || port > 65535)
      throw new CliError(`${option} ${text}: must be tcp:HOST:PORT, the port 1 to 65535`);
    return { kind, host: address[1] ?? address[2] ?? '', port, ...roles(given) };
  }
  throw new CliError(`${option} ${text}: goes nowhere that is known; there are ${WORDS}`);
}

/** A server waits for its first peer unless told not to, as QEMU's do. */
function roles(given: KeyValues): { readonly server: boolean; readonly wait: boolean } {
  const server = given.flag('server', false);
  return { server, wait: given.flag('wait', server) };
}
