// Guests in Chromium: in a page and in a worker they do what they do in Node, to the last bit.

import { readFile } from 'node:fs/promises';

import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';

import { findTool, requireTool } from '@worldswitch/test-tools';

import { imageOf, outcome } from '../page/outcome.ts';
import type { Outcome, Task } from '../page/outcome.ts';
import { serveSite } from './site.ts';
import type { Site } from './site.ts';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const tasks: readonly Task[] = [
  { guest: 'tiny', append: 'selftest poweroff', most: 1e9 },
  ...['alu,300', 'memcpy,300', 'mmf,200', 'fib,200', 'simd,100', 'sha256,200'].map((kernel): Task => ({
    guest: 'bench',
    append: `bench:${kernel}`,
    most: 1e9,
  })),
];
const gate = requireTool('chromium');

gate.describe('in Chromium', () => {
  let site: Site;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    site = await serveSite();
    browser = await chromium.launch({ executablePath: findTool('chromium') ?? '', args: FLAGS });
    page = await browser.newPage();
    await page.goto(site.url);
  });
  afterAll(async () => {
    await browser.close();
    site.close();
  });

  const inBrowser = (where: 'inPage' | 'inWorker', task: Task): Promise<Outcome> =>
    page.evaluate(`import('/page/page.js').then((page) => page.${where}(${JSON.stringify(task)}))`);

  gate.test('nothing is isolated from other origins', async () => {
    expect(await page.evaluate('crossOriginIsolated')).toBe(false);
  });

  for (const task of tasks) {
    gate.test(`${task.guest} ${task.append}: as in Node`, async () => {
      const here = outcome(task, new Uint8Array(await readFile(imageOf(task.guest))));
      expect(here.end).toBe('off');
      expect(here.compiled).toBeGreaterThan(here.instructions / 10);
      expect(await inBrowser('inPage', task)).toEqual(here);
      expect(await inBrowser('inWorker', task)).toEqual(here);
    });
  }
});
