// A guest's run from power-on to its end, and what must be the same wherever it happens.

import { bench, tiny } from '@worldswitch/guests';
import { createMachine, readKernel, virt } from '@worldswitch/machine';

const RAM = 0x4000_0000;

/** What is run. */
export interface Task {
  readonly guest: 'tiny' | 'bench';
  /** The guest's command line. */
  readonly append: string;
  /** More instructions than that are too many: the guest powers the machine off. */
  readonly most: number;
}

/** How it ended. */
export interface Outcome {
  readonly end: string;
  readonly text: string;
  readonly instructions: number;
  readonly hash: string;
  /** Instructions that compiled regions executed. */
  readonly compiled: number;
}

/** Where a guest's image is: a file, or an asset of the page. */
export const imageOf = (guest: Task['guest']): URL => (guest === 'tiny' ? tiny : bench).image;

/** Runs a guest. */
export function outcome({ guest, append, most }: Task, image: Uint8Array): Outcome {
  let text = '';
  const machine = createMachine(virt({ memory: '128M', engine: 'jit' }), {
    output: (_device, byte) => {
      text += String.fromCharCode(byte);
    },
  });
  machine.load({ kernel: readKernel(image, guest, RAM), name: guest, append });
  const end = machine.run(most);
  const counters = machine.engines.map((engine) =>
    'counters' in engine ? (engine.counters as { readonly compiled: number }).compiled : 0,
  );
  return {
    end,
    text,
    instructions: machine.instructions,
    hash: machine.hash(),
    compiled: counters.reduce((all, count) => all + count, 0),
  };
}
