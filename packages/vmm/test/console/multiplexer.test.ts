import { describe, expect, it } from 'vitest';

import { ConsoleMultiplexer, consoleShape } from '../../src/console/multiplexer.ts';

function make(...names: string[]) {
  let shown = '';
  const typed: string[] = names.map(() => '');
  const ends = {
    send: (byte: number) => {
      shown += String.fromCharCode(byte);
    },
    type: (vm: number, byte: number) => {
      typed[vm] = (typed[vm] ?? '') + String.fromCharCode(byte);
    },
  };
  const console = new ConsoleMultiplexer(names, ends);
  const say = (vm: number, text: string): void => {
    for (const c of text) console.output(vm, c.charCodeAt(0));
  };
  const type = (text: string): void => {
    for (const c of text) console.typed(c.charCodeAt(0));
  };
  return { console, ends, say, type, shown: () => shown, typed };
}

describe('the console multiplexer', () => {
  it('lets a single VM through as it is, the switching key too', () => {
    const { say, type, shown, typed } = make('a');
    say(0, 'x\r\n$ ');
    type('\x1d1');
    expect(shown()).toBe('x\r\n$ ');
    expect(typed).toEqual(['\x1d1']);
  });

  it('never mixes two VMs within a line', () => {
    const { say, shown } = make('a', 'b');
    for (const [x, y] of ['12', '34', '\n\n']) {
      say(0, x ?? '');
      say(1, y ?? '');
    }
    expect(shown()).toBe('[a] 13\r\n[b] 24\r\n');
  });

  it('shows a prompt when nothing more comes, and a line that never ends', () => {
    const { console, say, shown } = make('a', 'b');
    say(0, 'login: ');
    expect(shown()).toBe('');
    console.idle();
    console.idle();
    expect(shown()).toBe('[a] login: \r\n');
    say(1, 'x'.repeat(5000));
    expect(shown().length).toBeGreaterThan(4096);
  });

  it('shows an unfinished line after a time without a byte, and not before', () => {
    const { console, say, shown } = make('a', 'b');
    say(0, 'log');
    console.quiet();
    say(0, 'in: ');
    say(1, 'x');
    console.quiet();
    expect(shown()).toBe('');
    expect(console.unfinished).toBe(true);
    say(1, 'y\n');
    console.quiet();
    expect(shown()).toBe('[b] xy\r\n[a] login: \r\n');
    expect(console.unfinished).toBe(false);
  });

  it('tells what was typed and lost, once, behind an unfinished line', () => {
    const { console, say, shown } = make('a', 'b');
    say(1, '$ ');
    for (let i = 0; i < 3; i++) console.lose(1);
    console.tellLost(0);
    expect(shown()).toBe('');
    console.tellLost(1);
    console.tellLost(1);
    expect(shown()).toBe('[b] $ \r\n[b] (3 typed bytes were lost)\r\n');
  });

  it('gives typing to the VM in focus, which Ctrl-] and a number change', () => {
    const { type, typed } = make('a', 'b');
    type('1\x1d22\x1d99\x1d\x1d');
    expect(typed).toEqual(['1', '29\x1d']);
  });

  it('goes on from a saved state, and refuses a wrong one', () => {
    const { console, ends, say, shown } = make('a', 'b');
    say(1, 'half');
    const saved = consoleShape(2).check(console.save(), 'console');
    new ConsoleMultiplexer(['a', 'b'], ends, saved).output(1, 10);
    expect(shown()).toBe('[b] half\r\n');
    expect(() => consoleShape(2).check({ ...saved, focus: 2 }, 'console')).toThrow('console.focus');
  });
});
