// Debian to its shell in headless Chromium, by hand: node tooling/browser-tests/scripts/debian.mjs [jit|interpreter ...]
// The kernel and its RAM disk are those of `worldswitch run debian`, from its cache, served on localhost.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const root = join(import.meta.dirname, '..', '..', '..');
const engines = process.argv.length > 2 ? process.argv.slice(2) : ['jit', 'interpreter'];
const common = { bundle: true, format: 'esm', conditions: ['@worldswitch/source'], logLevel: 'warning' };

/** What the command knows about Debian. */
async function debian() {
  const folder = await mkdtemp(join(tmpdir(), 'worldswitch-browser-'));
  const outfile = join(folder, 'debian.mjs');
  try {
    await build({
      ...common,
      stdin: {
        contents: ['debian/fetch', 'debian/initramfs', 'guests']
          .map((name) => `export * from './apps/cli/src/${name}.ts';`)
          .join('\n'),
        resolveDir: root,
      },
      outfile,
      platform: 'node',
      banner: {
        js: "import { createRequire as make } from 'node:module'; const require = make(import.meta.url);",
      },
    });
    const { debianFiles, initramfs, SHELL_MARKER, LINUX } = await import(pathToFileURL(outfile).href);
    const files = await debianFiles('arm64', console.error);
    return { kernel: files.kernel, initrd: initramfs(files), until: SHELL_MARKER, linux: LINUX };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const { kernel, initrd, until, linux } = await debian();
const page = await build({
  ...common,
  entryPoints: [join(import.meta.dirname, '..', 'page', 'boot.ts')],
  write: false,
  platform: 'browser',
  target: 'es2023',
});
const files = new Map([
  ['/', ['text/html', '<!doctype html><title>worldswitch</title>']],
  ['/boot.js', ['text/javascript', page.outputFiles[0].text]],
  ['/kernel', ['application/octet-stream', kernel]],
  ['/initrd', ['application/octet-stream', initrd]],
]);
const server = createServer((request, response) => {
  const [type, body] = files.get(request.url) ?? [];
  if (type === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': type }).end(body);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const site = `http://localhost:${server.address().port}/`;
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
try {
  for (const engine of engines) {
    // A browser of its own for each: nothing is compiled yet.
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];
    const browser = await chromium.launch({ executablePath, args });
    try {
      const tab = await browser.newPage();
      await tab.goto(site);
      const append = `console=ttyAMA0 ${linux}`;
      const task = { kernel: '/kernel', initrd: '/initrd', append, memory: '512M', engine, until };
      const { seconds, instructions, regions, text } = await tab.evaluate(
        `import('/boot.js').then(({ boot }) => boot(${JSON.stringify(task)}))`,
      );
      const how = text.includes(until) ? 'to its shell' : `did not get there:\n${text}`;
      const millions = (instructions / 1e6).toFixed(0);
      console.log(
        `${browser.version()}, ${engine}: ${seconds.toFixed(2)} s, ${millions} million instructions, ${regions} regions: ${how}`,
      );
      if (!text.includes(until)) process.exitCode = 1;
    } finally {
      await browser.close();
    }
  }
} finally {
  server.close();
  server.closeAllConnections();
}
