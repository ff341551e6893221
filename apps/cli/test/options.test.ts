// What options say, and QEMU's ways of saying it.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { fastTlbSizes } from '@worldswitch/machine';

import { parseDestination } from '../src/options/destination.ts';
import { parseDrive } from '../src/options/drive.ts';
import { parseEngine } from '../src/options/engine.ts';
import { parseMachine } from '../src/options/machine-type.ts';
import { parseNetwork } from '../src/options/network.ts';
import { parseRtc, parseSeed, parseSmp } from '../src/options/numbers.ts';
import { withTwoDashes } from '../src/options/qemu-style.ts';

const serial = (text: string): unknown => parseDestination('--serial', text);

test('QEMU takes one dash; -m, -M and what follows -- stay as they are', () => {
  expect(withTwoDashes(['run', '-smp', '4', '-m', '1G', '-M', 'virt', '-nographic', '--', '-smp'])).toEqual([
    ...['run', '--smp', '4', '-m', '1G', '-M', 'virt', '--nographic', '--', '-smp'],
  ]);
});

test('drives', () => {
  const plain = { file: 'disk.img', readonly: false, snapshot: false, id: undefined };
  expect(parseDrive('disk.img')).toEqual(plain);
  expect(parseDrive('file=disk.img,format=raw,if=virtio')).toEqual(plain);
  expect(parseDrive('file=a,,b.img,readonly=on')).toEqual({ ...plain, file: 'a,b.img', readonly: true });
  expect(parseDrive('disk.img,snapshot=on,id=root')).toEqual({ ...plain, snapshot: true, id: 'root' });
});

test('destinations of consoles', () => {
  expect(serial('stdio')).toEqual({ kind: 'stdio' });
  expect(serial('mon:stdio')).toEqual({ kind: 'stdio' });
  expect(serial('null')).toEqual({ kind: 'null' });
  expect(serial('file:/tmp/a:b')).toEqual({ kind: 'file', path: '/tmp/a:b' });
  expect(serial('unix:s.sock')).toEqual({ kind: 'unix', path: 's.sock', server: false, wait: false });
  expect(serial('unix:s.sock,server')).toEqual({ kind: 'unix', path: 's.sock', server: true, wait: true });
  expect(serial('unix:s.sock,server=on,wait=off')).toMatchObject({ server: true, wait: false });
  expect(serial('tcp:localhost:4321,server,nowait')).toEqual({
    ...{ kind: 'tcp', host: 'localhost', port: 4321, server: true, wait: false },
  });
  expect(serial('tcp:[::1]:4321')).toMatchObject({ host: '::1', port: 4321 });
});

test('the machine', () => {
  expect(parseMachine('virt,gic-version=3,virtualization=on,secure=on')).toEqual({
    ...{ gic: 3, el2: true, el3: true, randomness: true },
  });
  expect(parseMachine('virt,dtb-randomness=off')).toEqual({
    ...{ gic: undefined, el2: undefined, el3: undefined, randomness: false },
  });
});

test('networks, CPUs, clocks and seeds', () => {
  expect(parseNetwork('--nic', 'none')).toBeUndefined();
  expect(parseNetwork('--nic', 'hubport,hubid=2')).toEqual({ mac: undefined, hub: 2 });
  expect(parseNetwork('--nic', 'socket,listen=:1234')).toEqual({
    mac: undefined,
    cable: { listen: true, host: '127.0.0.1', port: 1234 },
  });
  expect(
    parseNetwork('--nic', 'user,outside=on,hostfwd=tcp::2222-:22,hostfwd=udp:127.0.0.1:0-10.0.2.20:53'),
  ).toEqual({
    mac: undefined,
    outside: true,
    forwards: [
      { protocol: 'tcp', hostPort: 2222, guestPort: 22 },
      { protocol: 'udp', hostAddress: '127.0.0.1', hostPort: 0, guestAddress: '10.0.2.20', guestPort: 53 },
    ],
  });
  expect(parseNetwork('--nic', 'user,model=virtio,mac=52:54:00:00:00:01')).toEqual({
    mac: '52:54:00:00:00:01',
  });
  expect(parseSmp('4')).toBe(4);
  expect(parseSmp('cpus=2')).toBe(2);
  expect(parseSeed('0x10')).toBe(16);
  expect(parseRtc('base=utc', 1_000_999)).toEqual({ start: 1000, host: true });
  expect(parseRtc('base=2000-01-01', 0)).toEqual({ start: 946_684_800, host: false });
  expect(parseRtc('base=2000-01-01T00:00:01', 0).start).toBe(946_684_801);
});

test('engines, and modes for their tests', () => {
  expect(parseEngine('reference')).toEqual({ engine: 'reference' });
  expect(parseEngine('jit,threshold=0,evict=on,nest=off,chain=off,tlb=tiny')).toEqual({
    engine: 'jit',
    engineOptions: { threshold: 0, evict: true, nest: false, chain: false, tlb: 4 },
  });
  expect(parseEngine('interpreter,tlb=2')).toEqual({ engine: 'interpreter', engineOptions: { tlb: 2 } });
  // The largest is what the engine has: no other number is said anywhere.
  expect(parseEngine('jit,tlb=4096').engineOptions).toEqual({ tlb: Math.max(...fastTlbSizes) });
});

describe('what makes no sense is refused with a way out', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['a drive without a file', () => parseDrive('readonly=on'), /names no file; write --drive file=disk.img/],
    [
      'a qcow2 image',
      () => parseDrive('file=a,format=qcow2'),
      /format must be raw; convert others with: qemu-img/,
    ],
    ['an IDE disk', () => parseDrive('file=a,if=ide'), /if must be virtio or none: the disks of this board/],
    [
      'a word that is unknown',
      () => parseDrive('file=a,redonly=on'),
      /no "redonly" here; there are file, format/,
    ],
    ['neither on nor off', () => parseDrive('file=a,readonly=yes'), /readonly must be on or off/],
    ['a modem', () => serial('modem'), /goes nowhere that is known; there are stdio, null, file:PATH/],
    ['a file without a name', () => serial('file:'), /goes nowhere/],
    ['TCP without a port', () => serial('tcp:localhost'), /must be tcp:HOST:PORT/],
    ['a port that is none', () => serial('tcp:localhost:99999'), /the port 1 to 65535/],
    ['another engine', () => parseEngine('turbo'), /name must be jit or interpreter or reference/],
    [
      'an unknown mode',
      () => parseEngine('jit,speed=9'),
      /no "speed" here; there are name, threshold, evict/,
    ],
    ['a threshold of nothing', () => parseEngine('jit,threshold=-1'), /threshold must be 0 to 1000000/],
    ['a size of a TLB', () => parseEngine('jit,tlb=3'), /tlb must be tiny, or a power of two from 2 to 4096/],
    ['a TLB that is too large', () => parseEngine('jit,tlb=8192'), /tlb must be .* from 2 to 4096/],
    ['a size of nothing', () => parseEngine('jit,tlb='), /tlb must be tiny/],
    ['half evicted', () => parseEngine('jit,evict=half'), /evict must be on or off/],
    [
      'a mode of another engine',
      () => parseEngine('reference,tlb=tiny'),
      /tlb is not an option of the engine reference/,
    ],
    ['another machine', () => parseMachine('raspi3b'), /type must be virt: that is the board/],
    ['an ITS', () => parseMachine('virt,its=on'), /its must be off: this board has none/],
    ['GICv4', () => parseMachine('virt,gic-version=4'), /gic-version must be 2 or 3/],
    ['a tap device', () => parseNetwork('--nic', 'tap'), /type must be user or hubport or socket or none/],
    ['no hub', () => parseNetwork('--nic', 'hubport'), /hubid is the number of a hubport/],
    ['a hub of a network', () => parseNetwork('--nic', 'user,hubid=1'), /hubid is the number/],
    ['a way out of a hub', () => parseNetwork('--nic', 'hubport,hubid=1,outside=on'), /type must be user/],
    ['a cable to nowhere', () => parseNetwork('--nic', 'socket'), /connect must be such as/],
    ['a cable both ways', () => parseNetwork('--nic', 'socket,connect=:1,listen=:2'), /one is needed/],
    ['a network with an address', () => parseNetwork('--nic', 'user,listen=:1'), /type must be socket/],
    ['half a forward', () => parseNetwork('--nic', 'user,hostfwd=tcp::22'), /hostfwd must be such as/],
    ['a forward to no port', () => parseNetwork('--nic', 'user,hostfwd=tcp::22-:0'), /hostfwd must be/],
    ['a forward of no address', () => parseNetwork('--nic', 'user,hostfwd=:1.2.3:22-:22'), /hostfwd must be/],
    ['an address of a group', () => parseNetwork('--nic', 'user,mac=01:00:00:00:00:00'), /of one card/],
    ['no CPU', () => parseSmp('0'), /cpus must be 1 to 8/],
    ['too many', () => parseSmp('9'), /cpus must be 1 to 8/],
    ['a negative seed', () => parseSeed('-1'), /must be a whole number/],
    ['a date that is none', () => parseRtc('base=2000-13-01', 0), /must be utc, localtime, or a date/],
  ])('%s', (_name, parse, message) => {
    expect(parse).toThrow(message);
  });

  test('any text gives a value or one line', () => {
    const parsers = [parseDrive, parseMachine, parseSmp, parseSeed, serial].concat(
      (text: string) => parseNetwork('--nic', text),
      (text: string) => parseRtc(text, 0),
    );
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...parsers), (text, parse) => {
        try {
          parse(text);
        } catch (thrown) {
          expect((thrown as Error).name).toBe('CliError');
        }
      }),
    );
  });
});
