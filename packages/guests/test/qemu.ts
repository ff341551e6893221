// Runs an image on QEMU's `virt` board and returns what it printed.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The program that the tests here need. */
export const QEMU = 'qemu-system-aarch64';

const PROMPT = 'tiny$ ';
const TIMEOUT_MS = 60_000;

export interface MachineOptions {
  /** The machine has EL2, and enters the image there. */
  readonly el2?: boolean;
  readonly append?: string;
  readonly initrd?: string;
  /** Typed piece by piece, each when the shell has printed its prompt. */
  readonly typed?: readonly string[];
  readonly extra?: readonly string[];
  /** The text that is the end of an image that cannot switch the machine off. */
  readonly until?: string;
}

function argumentsFor(image: URL, options: MachineOptions): string[] {
  const machine = options.el2 === true ? 'virt,virtualization=on' : 'virt';
  return [
    ...['-M', machine, '-cpu', 'cortex-a57', '-nographic', '-nic', 'none'],
    ...['-kernel', fileURLToPath(image), '-append', options.append ?? ''],
    ...(options.initrd === undefined ? [] : ['-initrd', options.initrd]),
    ...(options.extra ?? []),
  ];
}

/** The console's text up to the power-off, with plain line ends; rejects when it takes too long. */
export function runOnQemu(image: URL, options: MachineOptions = {}): Promise<string> {
  const typed = [...(options.typed ?? [])];
  const child = spawn(QEMU, argumentsFor(image, options), { stdio: ['pipe', 'pipe', 'pipe'] });
  let text = '';
  let errors = '';
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      const next = text.endsWith(PROMPT) ? typed.shift() : undefined;
      if (options.until !== undefined && text.endsWith(options.until)) child.kill('SIGTERM');
      if (next !== undefined) child.stdin.write(next);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      errors += chunk;
    });
    child.once('error', reject);
    child.once('close', (status) => {
      clearTimeout(timer);
      if (status === 0) resolve(text.replaceAll('\r', ''));
      else reject(new Error(`${QEMU} ended with ${String(status)}: ${errors}\n${text.slice(-2000)}`));
    });
  });
}
