import { readFile } from 'node:fs/promises';

import { expect, it } from 'vitest';

import { tiny } from '@worldswitch/guests';
import { readKernel, virt } from '@worldswitch/machine';
import { Ledger } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';

it('boots tiny', async () => {
  const image = new Uint8Array(await readFile(tiny.image));
  let out = '';
  const host = createHost(
    { board: virt({ memory: '256M' }), vms: [{ name: 'tiny', board: virt({ memory: '128M' }) }] },
    { tiny: { kernel: readKernel(image, 'tiny', 0x4000_0000), append: 'selftest bench poweroff' } },
    {
      output: (_d, byte) => {
        out += String.fromCharCode(byte);
      },
    },
  );
  const ledger = new Ledger();
  host.keepLedger(ledger);
  let end;
  for (let i = 0; i < 20; i++) {
    end = host.machine.run(10_000_000);
    if (end !== 'budget') break;
  }
  console.log(
    out.slice(-3000),
    end,
    host.machine.report(),
    host.machine.instructions,
    host.machine.failure?.cause,
  );
  console.log(ledger.totals());
  expect(end).toBe('off');
}, 100000);
