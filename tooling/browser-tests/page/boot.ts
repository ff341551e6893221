// A kernel and its RAM disk in a page, until the console says something. `page.evaluate` calls `boot`.

import { createMachine, readKernel, virt } from '@worldswitch/machine';
import type { EngineName } from '@worldswitch/machine';

const RAM = 0x4000_0000;

/** What is booted. */
export interface BootTask {
  /** Addresses of both, on this site. */
  readonly kernel: string;
  readonly initrd: string;
  readonly append: string;
  readonly memory: string;
  readonly engine: EngineName;
  /** The end. */
  readonly until: string;
}

/** How that went. */
export interface BootOutcome {
  readonly seconds: number;
  readonly instructions: number;
  /** What the engine compiled. */
  readonly regions: number;
  /** The console's last lines. */
  readonly text: string;
}

const load = async (url: string): Promise<Uint8Array> =>
  new Uint8Array(await (await fetch(url)).arrayBuffer());

/** Boots. Files are loaded before the clock starts. */
export async function boot(task: BootTask): Promise<BootOutcome> {
  const [image, initrd] = [await load(task.kernel), await load(task.initrd)];
  const begin = performance.now();
  let text = '';
  let over = false;
  const machine = createMachine(virt({ memory: task.memory, engine: task.engine }), {
    output: (_device, byte) => {
      text = (text + String.fromCharCode(byte)).slice(-4000);
      if (over || byte !== 10 || !text.includes(task.until)) return;
      over = true;
      machine.stop();
    },
  });
  const kernel = readKernel(image, 'kernel', RAM);
  machine.load({ kernel, name: 'kernel', initrd, append: task.append });
  while (machine.instructions < 3e9) {
    const why = machine.run(50_000_000);
    if (text.includes(task.until) || (why !== 'budget' && why !== 'stopped')) break;
    // The page answers in between.
    await new Promise((resolve) => setTimeout(resolve));
  }
  const regions = machine.engines.map((engine) =>
    'counts' in engine
      ? ((engine.counts as () => readonly { readonly name: string; readonly count: number }[])().find(
          ({ name }) => name === 'regions.compiled',
        )?.count ?? 0)
      : 0,
  );
  const seconds = (performance.now() - begin) / 1000;
  return { seconds, instructions: machine.instructions, regions: regions[0] ?? 0, text };
}
