// The committed images are what the sources give: byte for byte, with Debian 12's cross compiler.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'vitest';

import { requireTool, run, tempDir } from '@worldswitch/test-tools';

const root = fileURLToPath(new URL('..', import.meta.url));
const gate = requireTool('aarch64-linux-gnu-gcc');

gate.test(
  'a rebuild gives the committed bytes',
  async () => {
    const output = tempDir();
    await run(process.execPath, [path.join(root, 'scripts/build.mjs'), output]);
    const built = readdirSync(output).sort();
    expect(built).toEqual(readdirSync(path.join(root, 'images')).sort());
    for (const name of built) {
      const same = readFileSync(path.join(output, name)).equals(
        readFileSync(path.join(root, 'images', name)),
      );
      expect(same, `images/${name} differs from what scripts/build.mjs makes`).toBe(true);
    }
  },
  120_000,
);
