// At a terminal: whatever ends the command, the terminal has the settings that it had before, and disks and sockets are closed.

import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect } from 'vitest';

import { requireTool, tempDir, tryRun } from '@worldswitch/test-tools';

import { POWER_BUTTON } from '../src/debian/initramfs.ts';
import { bundledCommand } from './command.ts';

const { describe, test } = requireTool('script', 'stty');

let program = '';
beforeAll(async () => {
  program = await bundledCommand();
});

const children: ChildProcessWithoutNullStreams[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** The command in a terminal of its own, between two looks at the terminal's settings. */
class InTerminal {
  text = '';
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly over: Promise<void>;
  private wake: (() => void) | undefined;

  constructor(args: string) {
    const inner = `echo "pid=$$"; exec node ${program} ${args}`;
    const shell = `echo "before=$(stty -g)"; sh -c '${inner}'; echo "status=$?"; echo "after=$(stty -g)"`;
    this.child = spawn('script', ['-qec', shell, '/dev/null'], { env: { ...process.env, SHELL: '/bin/sh' } });
    children.push(this.child);
    const heard = (bytes: Buffer): void => {
      this.text += bytes.toString('latin1');
      this.wake?.();
    };
    this.child.stdout.on('data', heard);
    this.child.stderr.on('data', heard);
    this.over = new Promise((resolve) => {
      this.child.on('close', () => {
        resolve();
        this.wake?.();
      });
    });
  }

  /** Waits until it has printed something; the test's time-out is the limit. */
  async until(wanted: string | RegExp): Promise<void> {
    const seen = (): boolean =>
      typeof wanted === 'string' ? this.text.includes(wanted) : wanted.test(this.text);
    while (!seen()) {
      await new Promise<void>((resolve) => (this.wake = resolve));
      if (this.child.exitCode !== null && !seen())
        throw new Error(`it never printed ${String(wanted)}: ${this.text}`);
    }
  }
  type(keys: string): void {
    this.child.stdin.write(keys);
  }
  signal(signal: NodeJS.Signals): void {
    process.kill(Number(/pid=(\d+)/.exec(this.text)?.[1]), signal);
  }
  /** The exit status, when the terminal's settings are what they were. */
  async end(): Promise<number> {
    await this.until(/after=\S+\s/);
    await this.over;
    const before = /before=(\S+)/.exec(this.text)?.[1];
    expect(before).toMatch(/:/);
    expect(/after=(\S+)/.exec(this.text)?.[1]).toBe(before);
    return Number(/status=(\d+)/.exec(this.text)?.[1]);
  }
}

const SHELL = 'start shell';
const READY = 'tiny$ ';

describe('the terminal is sane after', () => {
  test('Ctrl-A x', async () => {
    const t = new InTerminal(SHELL);
    await t.until(READY);
    t.type('\x01x');
    expect(await t.end()).toBe(0);
    expect(t.text).toContain('worldswitch: quit');
  });

  test('Ctrl-A p: Debian powers off, as its power button was pressed', async () => {
    const t = new InTerminal('run debian');
    await t.until('debian# ');
    t.type('\x01p');
    expect(await t.end()).toBe(0);
    expect(t.text).toContain(POWER_BUTTON);
    expect(t.text).toContain('the guest powered off');
  });

  test('SIGUSR2, which presses the power button too; a board that has none says so', async () => {
    const t = new InTerminal('run debian');
    await t.until('debian# ');
    t.signal('SIGUSR2');
    expect(await t.end()).toBe(0);
    expect(t.text).toContain(POWER_BUTTON);
    const board = join(tempDir(), 'board.json');
    const serial = { name: 'serial', type: 'pl011', at: 0x0900_0000, interrupts: { irq: 1 } };
    writeFileSync(board, JSON.stringify({ memory: '128M', devices: [serial] }));
    const other = new InTerminal(`run tiny --config ${board} --append ""`);
    await other.until(READY);
    other.signal('SIGUSR2');
    await other.until('this board has no power button');
    other.type('\x01x');
    expect(await other.end()).toBe(0);
  });

  test('the end of the guest; Ctrl-C is a key like others', async () => {
    const t = new InTerminal(SHELL);
    await t.until(READY);
    t.type('\x03');
    t.type('poweroff\r');
    expect(await t.end()).toBe(0);
    expect(t.text).toContain('the guest powered off');
  });

  for (const [signal, status] of [
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} while the guest waits`, async () => {
      const t = new InTerminal(SHELL);
      await t.until(READY);
      t.signal(signal);
      expect(await t.end()).toBe(status);
    });
  }

  for (const milliseconds of [0, 50, 200, 400, 800]) {
    test(`SIGTERM ${milliseconds} ms after the start`, async () => {
      const t = new InTerminal('run tiny');
      await t.until(/pid=\d+/);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      t.signal('SIGTERM');
      expect(await t.end()).toBe(143);
    });
  }

  test('SIGINT while a socket waits for its peer', async () => {
    const t = new InTerminal(`run tiny --serial unix:${join(tempDir(), 'peer.sock')},server=on`);
    await t.until('waiting for somebody to connect');
    t.signal('SIGINT');
    expect(await t.end()).toBe(130);
  });

  test('Ctrl-C while standard input is not read', async () => {
    const t = new InTerminal('run tiny --no-stdin');
    await t.until('booting');
    t.type('\x03');
    // The shell around it gets the same signal, and may end before it can say more.
    await t.until('worldswitch: SIGINT');
  });
});

test('a reader that goes away ends the run without a word', async () => {
  const { stdout, stderr } = await tryRun('sh', [
    '-c',
    `{ node ${program} run tiny --no-stdin; echo "status=$?" >&2; } | head -1`,
  ]);
  expect(stdout).toContain('tiny: booting');
  expect(stderr).toContain('status=141');
  expect(stderr).not.toMatch(/EPIPE|Error|at .*\.mjs/);
});

test('a reader of the messages that goes away: the run and its records are whole', async () => {
  const json = join(tempDir(), 'counts.json');
  const { stderr } = await tryRun('sh', [
    '-c',
    `{ node ${program} run tiny --append "selftest poweroff" --serial null --no-stdin --json ${json} 2>&1 >/dev/null; echo "status=$?" >&3; } 3>&2 | true`,
  ]);
  expect(stderr).toContain('status=0');
  expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ end: 'the guest powered off' });
});
