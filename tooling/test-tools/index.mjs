// What tests share that run programs of the host: tools that may be missing, child processes with a time-out,
// folders that vanish with the test file.
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { afterAll, describe, test } from 'vitest';

const strict = process.env['CI'] === 'true';

/** @param {string} path */
function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} name */
export function findTool(name) {
  if (name.includes('/')) return executable(name) ? name : undefined;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(executable);
}

/** @param {string[]} names */
export function requireTool(...names) {
  const missing = names.filter((name) => findTool(name) === undefined);
  return missing.length === 0 ? { available: true, describe, test } : unavailable(missing.join(', '));
}

/**
 * @param {boolean} available
 * @param {string} what
 */
export function requireThat(available, what) {
  return available ? { available: true, describe, test } : unavailable(what);
}

/** @param {string} what what is missing, for the report */
function unavailable(what) {
  if (!strict) {
    const label = (/** @type {string} */ name) => `${name} [needs ${what}]`;
    return {
      available: false,
      describe: (/** @type {string} */ name, /** @type {() => void} */ body) => {
        describe.skip(label(name), body);
      },
      test: (/** @type {string} */ name, /** @type {() => unknown} */ body) => {
        test.skip(label(name), body);
      },
    };
  }
  const fail = () => {
    throw new Error(`this machine has no ${what}; under CI that is a failure (.ci/run installs it)`);
  };
  return {
    available: false,
    describe: (/** @type {string} */ name) => {
      describe(name, () => {
        test(`needs ${what}`, fail);
      });
    },
    test: (/** @type {string} */ name) => {
      test(name, fail);
    },
  };
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import('./index.d.mts').RunOptions} [options]
 * @returns {Promise<import('./index.d.mts').RunResult>}
 */
export function tryRun(program, args, options = {}) {
  const { cwd, input, timeoutMs = 60_000, maxBytes = 64 << 20 } = options;
  const command = [program, ...args].join(' ');
  return new Promise((resolve, reject) => {
    // a group of its own, so that a time-out ends the whole family
    const child = spawn(program, args, { cwd, env: { ...process.env, ...options.env }, detached: true });
    /** @type {Buffer[]} */
    const out = [];
    /** @type {Buffer[]} */
    const err = [];
    let bytes = 0;
    /** @type {Error | undefined} */
    let failure;
    const kill = (/** @type {string} */ why) => {
      failure ??= new Error(
        `${command}: ${why}\n${Buffer.concat([...out, ...err])
          .toString()
          .slice(-4000)}`,
      );
      try {
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      } catch {
        // it has ended by itself
      }
    };
    const collect = (/** @type {Buffer[]} */ chunks) => (/** @type {Buffer} */ chunk) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBytes) kill(`printed more than ${maxBytes} bytes`);
    };
    const timer = setTimeout(() => kill(`no end after ${timeoutMs} ms`), timeoutMs);
    child.stdout.on('data', collect(out));
    child.stderr.on('data', collect(err));
    child.stdin.on('error', () => {
      // a program that does not read its input to the end is no failure of the test
    });
    child.stdin.end(input);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      if (failure) reject(failure);
      else {
        const stdoutBytes = Buffer.concat(out);
        resolve({
          status,
          signal,
          stdoutBytes,
          stdout: stdoutBytes.toString(),
          stderr: Buffer.concat(err).toString(),
        });
      }
    });
  });
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import('./index.d.mts').RunOptions} [options]
 */
export async function run(program, args, options) {
  const result = await tryRun(program, args, options);
  if (result.status !== 0) {
    throw new Error(
      `${[program, ...args].join(' ')}: ${result.signal ?? `status ${String(result.status)}`}\n${result.stderr.slice(-4000)}`,
    );
  }
  return result;
}

/**
 * @param {readonly string[]} options
 * @param {readonly string[]} commands
 * @returns {Promise<number[]>}
 */
export function qtest(options, commands) {
  const args = [...options, '-S', '-display', 'none', '-nodefaults', '-qtest', 'stdio', '-qtest-log', 'none'];
  const child = spawn('qemu-system-aarch64', args);
  return new Promise((resolve, reject) => {
    /** @type {number[]} */
    const answers = [];
    let rest = '';
    let complaints = '';
    const deadline = setTimeout(() => child.kill('SIGKILL'), 60_000);
    child.stderr.on('data', (/** @type {Buffer} */ text) => (complaints += text.toString()));
    child.stdout.on('data', (/** @type {Buffer} */ text) => {
      const lines = (rest + text.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const each of lines) {
        if (each.startsWith('OK')) answers.push(Number(each.slice(3) || 0));
        else if (each !== '' && !each.startsWith('IRQ')) complaints += each;
      }
      if (answers.length >= commands.length) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(deadline);
      if (answers.length >= commands.length) resolve(answers);
      else reject(new Error(`QEMU answered ${answers.length} of ${commands.length} commands: ${complaints}`));
    });
    child.stdin.on('error', () => undefined); // a machine that has ended says so above
    child.stdin.write(`${commands.join('\n')}\n`);
  });
}

/** @type {string[]} */
const folders = [];

export function tempDir() {
  const folder = mkdtempSync(join(tmpdir(), 'worldswitch-'));
  folders.push(folder);
  return folder;
}

afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
