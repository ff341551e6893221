// Opens what an option names.

import type { Destination } from '../options/destination.ts';
import { nowhere } from './channel.ts';
import type { Channel, ChannelEvents } from './channel.ts';
import { openFile, openPipe } from './file.ts';
import { openSocket } from './socket.ts';

/** Opens any destination but the terminal. Throws a `CliError`. */
export async function openChannel(
  option: string,
  to: Exclude<Destination, { kind: 'stdio' }>,
  events: ChannelEvents,
): Promise<Channel> {
  switch (to.kind) {
    case 'null':
      return nowhere;
    case 'file':
      return openFile(option, to.path);
    case 'pipe':
      return openPipe(option, to.path, events);
    case 'unix':
    case 'tcp':
      return openSocket(option, to, events);
  }
}
