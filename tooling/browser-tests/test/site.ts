// The site that the browser visits: the bundled page and the guests' images, from this process, without the headers of
// cross-origin isolation.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { imageOf } from '../page/outcome.ts';

/** A site that is being served. */
export interface Site {
  readonly url: string;
  close(): void;
}

/** Bundles for a browser: what needs Node does not build. */
async function script(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../page/page.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    conditions: ['@worldswitch/source'],
    logLevel: 'warning',
  });
  return outputFiles[0]?.text ?? '';
}

/** Serves it. */
export async function serveSite(): Promise<Site> {
  const files = new Map<string, readonly [string, string | Uint8Array]>([
    ['/', ['text/html', '<!doctype html><title>worldswitch</title>']],
    ['/page/page.js', ['text/javascript', await script()]],
    ['/images/tiny.img', ['application/octet-stream', await readFile(imageOf('tiny'))]],
    ['/images/bench.img', ['application/octet-stream', await readFile(imageOf('bench'))]],
  ]);
  const server = createServer((request, response) => {
    const [type, body] = files.get(request.url ?? '') ?? [];
    if (type === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
