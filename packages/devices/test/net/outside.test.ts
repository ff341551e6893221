// TCP and UDP between the guest and the outside: a scripted host, and a guest whose segments are built here.

import { describe, expect, test } from 'vitest';

import type { Plain } from '@worldswitch/platform';
import { benchClock, random } from '@worldswitch/testkit';
import type { BenchClock } from '@worldswitch/testkit';

import { encodeEvent, noSockets, parseEvent, userNetwork } from '../../src/index.ts';
import type { NetworkPeer, OutsideEvent, OutsideSockets, PortForward } from '../../src/index.ts';
import { big, packet, seen, tcp, udp } from './station.ts';
import type { SegmentFields } from './station.ts';

const [FIN, SYN, RST, PSH, ACK] = [1, 2, 4, 8, 16];
const GUEST = '10.0.2.15';
const SERVER = '93.184.216.34';
const MS = 1_000_000;

const word = (b: Uint8Array, at: number): number => new DataView(b.buffer, b.byteOffset).getUint32(at);
const half = (b: Uint8Array, at: number): number => new DataView(b.buffer, b.byteOffset).getUint16(at);

/** What of a segment of the network's a test looks at. */
interface Got {
  readonly at: number;
  readonly ports: readonly number[];
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly data: readonly number[];
}

interface Rig {
  readonly clock: BenchClock;
  readonly network: NetworkPeer;
  /** What the network asked the host for. */
  readonly asked: string[];
  /** Frames to the guest. */
  readonly frames: Uint8Array[];
  event(event: OutsideEvent): void;
  guest(to: string, port: number, segment: SegmentFields, from?: number): void;
  /** Segments that came to the guest since the last call, after a millisecond. */
  segments(wait?: number): Got[];
}

const FORWARDS: readonly PortForward[] = [
  { protocol: 'tcp', hostPort: 2222, guestPort: 22 },
  { protocol: 'udp', hostPort: 5353, guestPort: 53 },
];

function rig(
  { outgoing = true, forwards = FORWARDS }: { outgoing?: boolean; forwards?: readonly PortForward[] } = {},
  state?: Plain,
  clock = benchClock(),
): Rig {
  const asked: string[] = [];
  const say =
    (name: string) =>
    (...given: readonly unknown[]): void => {
      asked.push(
        [name, ...given.map((g) => (g instanceof Uint8Array ? `<${[...g].join(' ')}>` : g))].join(' '),
      );
    };
  const sockets: OutsideSockets = {
    connect: say('connect'),
    send: say('send'),
    allow: say('allow'),
    end: say('end'),
    close: say('close'),
    resume: say('resume'),
  };
  const frames: Uint8Array[] = [];
  const times: number[] = [];
  const network = userNetwork({ outside: { sockets, outgoing, forwards } })(
    clock,
    {
      send: (frame) => {
        frames.push(frame);
        times.push(clock.now);
      },
    },
    state,
  );
  let looked = 0;
  return {
    clock,
    network,
    asked,
    frames,
    event: (event) => network.receive?.(encodeEvent(event)),
    guest: (to, port, segment, from = 40000) => {
      network.send(packet({ to, protocol: 6, payload: tcp(GUEST, from, to, port, segment) }));
    },
    segments(wait = MS) {
      clock.advanceTo(clock.now + wait);
      const fresh = frames.slice(looked);
      const at = times.slice(looked);
      looked = frames.length;
      return fresh.flatMap((frame, i) => {
        const { protocol, payload, checksums } = seen(frame);
        if (protocol !== 6) return [];
        expect(checksums).toEqual([0, 0]);
        return [
          {
            at: at[i] ?? 0,
            ports: [half(payload, 0), half(payload, 2)],
            seq: word(payload, 4),
            ack: word(payload, 8),
            flags: payload[13] ?? 0,
            window: half(payload, 14),
            data: [...payload.subarray(((payload[12] ?? 0) >> 4) * 4)],
          },
        ];
      });
    },
  };
}
const only = (all: readonly Got[]): Got => {
  expect(all).toHaveLength(1);
  const [one] = all;
  if (one === undefined) throw new Error('nothing came');
  return one;
};
const MSS_1000 = [2, 4, ...big(1000, 2)];

/** Opens a connection from the guest; returns our first sequence number's successor. */
function opened(r: Rig, window = 65535): number {
  r.guest(SERVER, 80, { seq: 1000, flags: SYN, options: MSS_1000, window });
  r.event({ kind: 'opened', flow: 2 });
  const { seq } = only(r.segments());
  r.guest(SERVER, 80, { seq: 1001, ack: seq + 1, flags: ACK, window });
  expect(r.segments()).toEqual([]);
  return seq + 1;
}

describe('a connection of the guest’s', () => {
  test('opens when the host has it, carries bytes both ways, and closes', () => {
    const r = rig();
    r.guest(SERVER, 80, { seq: 1000, flags: SYN });
    expect(r.asked).toEqual([`connect 2 tcp ${SERVER} 80`]);
    expect(r.segments()).toEqual([]);
    r.event({ kind: 'opened', flow: 2 });
    const syn = only(r.segments());
    expect(syn).toMatchObject({ ports: [80, 40000], ack: 1001, flags: SYN | ACK, window: 65535 });
    const ours = syn.seq + 1;
    r.guest(SERVER, 80, { seq: 1001, ack: ours, flags: ACK });
    r.guest(SERVER, 80, { seq: 1001, ack: ours, flags: ACK | PSH, data: [1, 2, 3] });
    expect(only(r.segments())).toMatchObject({ seq: ours, ack: 1004, flags: ACK, window: 65532 });
    r.event({ kind: 'taken', flow: 2, count: 3 });
    r.event({ kind: 'data', flow: 2, bytes: Uint8Array.of(7, 8) });
    expect(only(r.segments())).toMatchObject({ seq: ours, flags: ACK | PSH, window: 65535, data: [7, 8] });
    r.guest(SERVER, 80, { seq: 1004, ack: ours + 2, flags: ACK });
    r.guest(SERVER, 80, { seq: 1004, ack: ours + 2, flags: ACK | FIN });
    expect(only(r.segments())).toMatchObject({ ack: 1005, flags: ACK });
    r.event({ kind: 'ended', flow: 2 });
    expect(only(r.segments())).toMatchObject({ seq: ours + 2, ack: 1005, flags: ACK | FIN });
    r.guest(SERVER, 80, { seq: 1005, ack: ours + 3, flags: ACK });
    expect(r.asked.slice(1)).toEqual(['allow 2 65535', 'send 2 <1 2 3>', 'allow 2 2', 'end 2', 'close 2']);
    // Nothing is left of it: what still comes is refused.
    r.guest(SERVER, 80, { seq: 1005, ack: ours + 3, flags: ACK });
    expect(only(r.segments(10_000 * MS))).toMatchObject({ flags: RST });
  });

  test('the outside ends first; the guest goes on sending', () => {
    const r = rig();
    const ours = opened(r);
    r.event({ kind: 'data', flow: 2, bytes: Uint8Array.of(1) });
    r.event({ kind: 'ended', flow: 2 });
    const [first, second] = r.segments();
    expect([first?.data, second?.flags, second?.seq]).toEqual([[1], ACK | FIN, ours + 1]);
    r.guest(SERVER, 80, { seq: 1001, ack: ours + 2, flags: ACK });
    r.guest(SERVER, 80, { seq: 1001, ack: ours + 2, flags: ACK, data: [5] });
    expect(only(r.segments())).toMatchObject({ ack: 1002, flags: ACK });
    r.guest(SERVER, 80, { seq: 1002, ack: ours + 2, flags: ACK | FIN });
    expect(only(r.segments())).toMatchObject({ ack: 1003 });
    expect(r.asked.slice(-3)).toEqual(['send 2 <5>', 'end 2', 'close 2']);
    expect(r.segments(10_000 * MS)).toEqual([]);
  });

  test('refused by the host: a reset that acknowledges the SYN', () => {
    const r = rig();
    r.guest(SERVER, 80, { seq: 1000, flags: SYN });
    r.event({ kind: 'closed', flow: 2 });
    expect(only(r.segments())).toMatchObject({ ack: 1001, flags: RST | ACK });
  });

  test.each([
    ['a reset in order', 0, true],
    ['a reset elsewhere in the window', 5, false],
    ['a reset outside', 70_000, false],
  ])('%s', (_name, off, ends) => {
    const r = rig();
    const ours = opened(r);
    r.guest(SERVER, 80, { seq: 1001 + off, flags: RST });
    expect(r.asked.includes('close 2')).toBe(ends);
    // For one in the window the guest is asked (RFC 5961).
    expect(r.segments().map(({ seq, ack, flags }) => [seq, ack, flags])).toEqual(
      off === 5 ? [[ours, 1001, ACK]] : [],
    );
  });

  test('bytes that come again or early are not taken twice', () => {
    const r = rig();
    const ours = opened(r);
    const send = (seq: number, data: number[], flags = ACK): void => {
      r.guest(SERVER, 80, { seq, ack: ours, flags, data });
    };
    send(1001, [1, 2, 3]);
    send(1001, [1, 2, 3]);
    send(1002, [2, 3, 4, 5]);
    send(1010, [9]);
    send(1000, []);
    expect(r.segments().map(({ ack }) => ack)).toEqual([1004, 1004, 1006, 1006, 1006]);
    expect(r.asked.filter((a) => a.startsWith('send'))).toEqual(['send 2 <1 2 3>', 'send 2 <4 5>']);
  });

  test('sequence numbers wrap', () => {
    const r = rig();
    r.guest(SERVER, 80, { seq: 0xffff_fffe, flags: SYN });
    r.event({ kind: 'opened', flow: 2 });
    const ours = only(r.segments()).seq + 1;
    r.guest(SERVER, 80, { seq: 0xffff_ffff, ack: ours, flags: ACK, data: [1, 2, 3] });
    expect(only(r.segments())).toMatchObject({ ack: 2 });
  });

  test('the window shuts as the host does not take, and opens again', () => {
    const r = rig();
    const ours = opened(r);
    const data = Array<number>(1460).fill(1);
    let seq = 1001;
    for (let i = 0; i < 60; i++, seq += 1460) r.guest(SERVER, 80, { seq, ack: ours, flags: ACK, data });
    const last = r.segments().at(-1);
    expect(last).toMatchObject({ window: 0, ack: 1001 + 65535 });
    expect(r.asked.filter((a) => a.startsWith('send')).length).toBe(45);
    r.event({ kind: 'taken', flow: 2, count: 1460 });
    expect(r.segments()).toEqual([]);
    r.event({ kind: 'taken', flow: 2, count: 1460 });
    expect(only(r.segments())).toMatchObject({ window: 2920 });
  });

  test('never more is under way than the guest takes; one byte asks whether its window is open', () => {
    const r = rig();
    const ours = opened(r, 2500);
    r.event({ kind: 'data', flow: 2, bytes: new Uint8Array(5000) });
    expect(r.segments().map(({ data }) => data.length)).toEqual([1000, 1000]);
    r.guest(SERVER, 80, { seq: 1001, ack: ours + 2000, flags: ACK, window: 0 });
    expect(r.segments()).toEqual([]);
    for (let i = 0; i < 20; i++) {
      const probes = r.segments(60_000 * MS);
      expect(probes.length).toBeGreaterThan(0);
      for (const { seq, data } of probes) expect([seq, data.length]).toEqual([ours + 2000, 1]);
      r.guest(SERVER, 80, { seq: 1001, ack: ours + 2000, flags: ACK, window: 0 });
    }
    r.guest(SERVER, 80, { seq: 1001, ack: ours + 2000, flags: ACK, window: 65535 });
    let next = ours + 2000;
    for (let i = 0; i < 10 && next < ours + 5000; i++) {
      for (const { seq, data } of r.segments(400 * MS))
        if (seq <= next) next = Math.max(next, seq + data.length);
      r.guest(SERVER, 80, { seq: 1001, ack: next, flags: ACK, window: 65535 });
    }
    expect(next).toBe(ours + 5000);
  });

  test('what is not acknowledged is sent again after twice as long each time, and given up with a reset', () => {
    const r = rig();
    const ours = opened(r);
    r.event({ kind: 'data', flow: 2, bytes: Uint8Array.of(1) });
    const sent = r.segments(200_000 * MS);
    const gaps = sent.slice(1).map(({ at }, i) => Math.round((at - (sent[i]?.at ?? 0)) / MS));
    expect(gaps.slice(0, 4)).toEqual([300, 600, 1200, 2400]);
    expect(sent.at(-1)?.flags).toBe(RST | ACK);
    for (const { seq } of sent.slice(0, -1)) expect(seq).toBe(ours);
    expect(sent).toHaveLength(10);
    expect(r.asked.at(-1)).toBe('close 2');
  });

  test('a lost segment is sent again at the third repetition', () => {
    const r = rig();
    const ours = opened(r);
    r.event({ kind: 'data', flow: 2, bytes: new Uint8Array(4000) });
    expect(r.segments()).toHaveLength(4);
    for (let i = 0; i < 3; i++) r.guest(SERVER, 80, { seq: 1001, ack: ours, flags: ACK });
    expect(only(r.segments())).toMatchObject({ seq: ours });
    r.guest(SERVER, 80, { seq: 1001, ack: ours + 4000, flags: ACK });
    expect(r.segments(1000 * MS)).toEqual([]);
    expect(r.asked.at(-1)).toBe('allow 2 4000');
  });

  test('an acknowledgement of what was never sent changes nothing', () => {
    const r = rig();
    const ours = opened(r);
    r.guest(SERVER, 80, { seq: 1001, ack: ours + 5, flags: ACK, data: [1] });
    expect(only(r.segments())).toMatchObject({ seq: ours, ack: 1001 });
    expect(r.asked.filter((a) => a.startsWith('send'))).toEqual([]);
  });

  test('more from outside than was allowed breaks the connection', () => {
    const r = rig();
    opened(r);
    r.event({ kind: 'data', flow: 2, bytes: new Uint8Array(65536) });
    expect(only(r.segments())).toMatchObject({ flags: RST | ACK });
    expect(r.asked.at(-1)).toBe('close 2');
  });
});

describe('where the guest may go', () => {
  const syn = { seq: 1, flags: SYN };
  test.each([
    ['the gateway is the host itself', '10.0.2.2', 'connect 2 tcp host 80'],
    ['an address', '8.8.8.8', 'connect 2 tcp 8.8.8.8 80'],
    ['another private network', '192.168.1.1', 'connect 2 tcp 192.168.1.1 80'],
  ])('%s', (_name, to, expected) => {
    const r = rig();
    r.guest(to, 80, syn);
    expect(r.asked).toEqual([expected]);
  });
  test.each([
    ['the name server’s other ports', '10.0.2.3'],
    ['the host’s loopback', '127.0.0.1'],
    ['this network', '0.0.0.1'],
    ['a reserved one', '240.0.0.1'],
  ])('not: %s', (_name, to) => {
    const r = rig();
    r.guest(to, 80, syn);
    expect(r.asked).toEqual([]);
    expect(only(r.segments())).toMatchObject({ flags: RST | ACK });
  });
  test('nowhere unless it is let out, even where ports are forwarded', () => {
    const r = rig({ outgoing: false });
    r.guest(SERVER, 80, syn);
    r.network.send(packet({ to: SERVER, protocol: 17, payload: udp(GUEST, 5, SERVER, 9, [1]) }));
    r.network.send(packet({ to: '10.0.2.3', protocol: 17, payload: udp(GUEST, 5, '10.0.2.3', 53, query) }));
    expect(r.asked).toEqual([]);
    expect(only(r.segments())).toMatchObject({ flags: RST | ACK });
  });

  test('64 connections; one that was silent for long makes room', () => {
    const r = rig();
    for (let i = 0; i < 65; i++) r.guest(SERVER, 80, syn, 1000 + i);
    expect(r.asked).toHaveLength(64);
    expect(only(r.segments())).toMatchObject({ flags: RST | ACK, ports: [80, 1064] });
    r.clock.advanceTo(121_000 * MS);
    r.guest(SERVER, 80, syn, 2000);
    expect(r.asked.slice(-2)).toEqual(['close 2', `connect 130 tcp ${SERVER} 80`]);
  });
});

const query = [
  ...[0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
  ...[7, ...new TextEncoder().encode('example'), 3, ...new TextEncoder().encode('org'), 0, 0, 1, 0, 1],
];

describe('datagrams', () => {
  const send = (r: Rig, to: string, port: number, data: readonly number[], from = 5000): void => {
    r.network.send(packet({ to, protocol: 17, payload: udp(GUEST, from, to, port, data) }));
  };
  test('there and back', () => {
    const r = rig();
    send(r, SERVER, 9, [1, 2]);
    send(r, SERVER, 9, [3]);
    expect(r.asked).toEqual([`connect 2 udp ${SERVER} 9`, 'send 2 <1 2>', 'send 2 <3>']);
    r.event({ kind: 'data', flow: 2, bytes: Uint8Array.of(4, 5, 6) });
    r.clock.advanceTo(MS);
    const [frame = new Uint8Array()] = r.frames;
    expect([...seen(frame).payload]).toEqual(udp(SERVER, 9, GUEST, 5000, [4, 5, 6]));
    r.event({ kind: 'data', flow: 2, bytes: new Uint8Array(1473) });
    r.clock.advanceTo(2 * MS);
    expect(r.frames).toHaveLength(1);
  });

  test('a name that is not known here is for the host’s name server, and the answer comes from ours', () => {
    const r = rig();
    send(r, '10.0.2.3', 53, query);
    expect(r.asked[0]).toBe('connect 2 udp resolver 53');
    r.event({ kind: 'data', flow: 2, bytes: Uint8Array.of(1) });
    r.clock.advanceTo(MS);
    const [frame = new Uint8Array()] = r.frames;
    expect(seen(frame).from).toBe('10.0.2.3');
    const known = [...query.slice(0, 12), 7, ...new TextEncoder().encode('gateway'), 0, 0, 1, 0, 1];
    send(r, '10.0.2.3', 53, known, 5001);
    expect(r.asked).toHaveLength(2);
  });

  test('64 associations: the one that was silent longest goes', () => {
    const r = rig();
    for (let i = 0; i < 64; i++) {
      r.clock.advanceTo(i + 1);
      send(r, SERVER, 9, [i], 1000 + i);
    }
    send(r, SERVER, 9, [0], 1000);
    r.clock.advanceTo(1000);
    send(r, SERVER, 9, [0], 3000);
    expect(r.asked.slice(-3)).toEqual(['close 4', `connect 130 udp ${SERVER} 9`, 'send 130 <0>']);
  });
});

describe('forwarded ports', () => {
  const known = (r: Rig): void => {
    // The guest has been heard of.
    r.network.send(packet({ to: '10.0.2.99', protocol: 17, payload: udp(GUEST, 1, '10.0.2.99', 1, []) }));
  };
  test('a caller gets the guest’s port, from the gateway', () => {
    const r = rig({ outgoing: false });
    known(r);
    r.event({ kind: 'accepted', flow: 1, forward: 0, port: 50_000 });
    const syn = only(r.segments());
    expect(syn).toMatchObject({ ports: [50_000, 22], flags: SYN });
    r.guest('10.0.2.2', 50_000, { seq: 77, ack: syn.seq + 1, flags: SYN | ACK }, 22);
    expect(only(r.segments())).toMatchObject({ flags: ACK, ack: 78, seq: syn.seq + 1 });
    expect(r.asked).toEqual(['allow 1 65535']);
    r.event({ kind: 'data', flow: 1, bytes: Uint8Array.of(1) });
    expect(only(r.segments())).toMatchObject({ data: [1] });
    // Another caller from the same port of another station.
    r.event({ kind: 'accepted', flow: 3, forward: 0, port: 50_000 });
    expect(only(r.segments())).toMatchObject({ ports: [50_001, 22], flags: SYN });
  });

  test('a guest that refuses', () => {
    const r = rig();
    known(r);
    r.event({ kind: 'accepted', flow: 1, forward: 0, port: 50_000 });
    const syn = only(r.segments());
    r.guest('10.0.2.2', 50_000, { seq: 0, ack: syn.seq + 1, flags: RST | ACK }, 22);
    expect(r.asked).toEqual(['close 1']);
    expect(r.segments(10_000 * MS)).toEqual([]);
  });

  test('a guest that nobody has heard of is asked for, and answers later', () => {
    const r = rig();
    r.event({ kind: 'accepted', flow: 1, forward: 0, port: 50_000 });
    expect(r.segments()).toEqual([]);
    const arp = r.frames[0] ?? new Uint8Array();
    expect([...arp.subarray(12, 22), ...arp.subarray(38, 42)]).toEqual([
      8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 10, 0, 2, 15,
    ]);
    known(r);
    expect(r.segments(400 * MS).map(({ flags }) => flags)).toEqual([SYN]);
  });

  test('datagrams', () => {
    const r = rig({ outgoing: false });
    known(r);
    r.event({ kind: 'accepted', flow: 1, forward: 1, port: 40_000 });
    r.event({ kind: 'data', flow: 1, bytes: Uint8Array.of(9) });
    r.clock.advanceTo(MS);
    const [frame = new Uint8Array()] = r.frames;
    expect([...seen(frame).payload]).toEqual(udp('10.0.2.2', 40_000, GUEST, 53, [9]));
    r.network.send(
      packet({ to: '10.0.2.2', protocol: 17, payload: udp(GUEST, 53, '10.0.2.2', 40_000, [8]) }),
    );
    expect(r.asked).toEqual(['send 1 <8>']);
  });

  test('events of flows that are not there, or that the host may not open, do nothing', () => {
    const r = rig();
    const before = r.network.save();
    r.event({ kind: 'accepted', flow: 2, forward: 0, port: 1 });
    r.event({ kind: 'accepted', flow: 1, forward: 9, port: 1 });
    r.event({ kind: 'data', flow: 4, bytes: new Uint8Array(1) });
    r.event({ kind: 'closed', flow: 4 });
    r.network.receive?.(Uint8Array.of(9, 0, 0, 0, 1));
    r.network.receive?.(new Uint8Array(0));
    expect(r.network.save()).toEqual(before);
  });
});

test('events are bytes, and other bytes are no events', () => {
  const events: OutsideEvent[] = [
    { kind: 'opened', flow: 2 },
    { kind: 'data', flow: 0xffff_fffe, bytes: Uint8Array.of(1, 2, 3) },
    { kind: 'taken', flow: 4, count: 70_000 },
    { kind: 'ended', flow: 5 },
    { kind: 'closed', flow: 6 },
    { kind: 'accepted', flow: 7, forward: 3, port: 65535 },
  ];
  for (const event of events) expect(parseEvent(encodeEvent(event))).toEqual(event);
  for (const bytes of [[], [0], [0, 0, 0, 0], [0, 0, 0, 0, 1, 1], [2, 0, 0, 0, 1], [5, 0, 0, 0, 1, 0]])
    expect(parseEvent(Uint8Array.from(bytes))).toBeUndefined();
});

test('saved in the middle, with bytes under way: an equal future, and the host is told', () => {
  const r = rig();
  const ours = opened(r);
  r.event({ kind: 'data', flow: 2, bytes: new Uint8Array(3000).fill(7) });
  r.network.send(packet({ to: SERVER, protocol: 17, payload: udp(GUEST, 5, SERVER, 9, [1]) }));
  r.segments();
  const twin = rig({}, r.network.save(), benchClock(r.clock.now));
  expect(twin.asked).toEqual(['resume 2,4']);
  r.asked.length = twin.asked.length = 0;
  const futures = [r, twin].map((one) => {
    one.event({ kind: 'ended', flow: 2 });
    one.guest(SERVER, 80, { seq: 1001, ack: ours + 1000, flags: ACK, data: [1] });
    const all = one.segments(5000 * MS);
    one.event({ kind: 'closed', flow: 2 });
    return [all, one.segments(), one.asked, one.network.save()];
  });
  expect(futures[1]).toEqual(futures[0]);
  expect((futures[0]?.[0] as Got[]).length).toBeGreaterThan(4);
});

test('hostile guest, hostile host: fifty thousand segments and events, and everything stays bounded', () => {
  const draw = random(11);
  const r = rig();
  const stages = new Set<number>();
  let sent = 0;
  /** Mostly the value, sometimes one near it, seldom any. */
  const about = (value: number): number => {
    const how = draw.below(20);
    return (how > 2 ? value : how > 0 ? value + draw.below(3000) - 1500 : draw.word()) >>> 0;
  };
  /** Answers one of the last segments, as a guest would or a little wrong. */
  const answer = (): void => {
    const frame = r.frames.at(-1 - draw.below(Math.min(20, r.frames.length))) ?? new Uint8Array(0);
    if (frame.length < 54 || frame[23] !== 6) return;
    const theirs = frame[47] ?? 0;
    const length = frame.length - 34 - ((frame[46] ?? 0) >> 4) * 4;
    const data = draw.below(3) === 0 ? Array<number>(draw.below(1400)).fill(1) : [];
    const greeting = (theirs & (SYN | ACK)) === SYN ? SYN : 0;
    const flags = draw.below(30) === 0 ? draw.below(64) : ACK | greeting | (draw.below(20) === 0 ? FIN : 0);
    const segment = {
      seq: about(word(frame, 42)),
      ack: about(word(frame, 38) + length + (theirs & SYN ? 1 : 0) + (theirs & FIN)),
      flags,
      window: draw.below(4) === 0 ? draw.below(3000) : 65535,
      data: greeting === 0 ? data : [],
    };
    r.guest(frame.subarray(26, 30).join('.'), half(frame, 34), segment, half(frame, 36));
  };
  /** A flow of the last ones. */
  const flow = (): number =>
    draw.below(2) === 0
      ? 2 * draw.below(70) + 1
      : Math.max(2, (r.network.save() as { flows: { next: number } }).flows.next - 2 * draw.below(80));
  for (let i = 0; i < 50_000; i++) {
    const pick = draw.below(16);
    if (pick < 8) answer();
    else if (pick === 8) {
      const to = draw.below(8) === 0 ? SERVER : '10.0.2.2';
      r.guest(to, draw.below(3), { seq: draw.word() >>> 0, flags: SYN }, draw.below(60));
    } else if (pick < 11) r.event({ kind: 'opened', flow: flow() });
    else if (pick === 11) r.event({ kind: draw.below(4) === 0 ? 'closed' : 'ended', flow: flow() });
    else if (pick < 14) r.event({ kind: 'data', flow: flow(), bytes: new Uint8Array(draw.below(5000)) });
    else if (pick === 14) r.event({ kind: 'taken', flow: flow(), count: draw.below(10_000) });
    else r.event({ kind: 'accepted', flow: flow() | 1, forward: draw.below(3), port: draw.below(65536) });
    if (i % 16 === 0) r.clock.advanceTo(r.clock.now + draw.below(40) * MS);
    if (r.frames.length > 200) r.frames.splice(0, 150);
    if (r.asked.length > 1000) {
      sent += r.asked.filter((a) => a.startsWith('send')).length;
      r.asked.length = 0;
    }
    if (i % 5000 === 4999) {
      // What is saved is always a state that is taken back.
      const saved = r.network.save() as { flows: { tcp: { stage: number }[]; udp: unknown[] } };
      for (const { stage } of saved.flows.tcp) stages.add(stage);
      expect(saved.flows.tcp.length).toBeLessThanOrEqual(64);
      expect(saved.flows.udp.length).toBeLessThanOrEqual(64);
      expect(() => rig({}, saved as unknown as Plain, benchClock(r.clock.now))).not.toThrow();
    }
  }
  // It came to all stages, and to bytes.
  expect([...stages].sort()).toEqual([0, 1, 2, 3]);
  expect(sent).toBeGreaterThan(100);
});

test('without sockets nothing is taken from outside', () => {
  const network = userNetwork()(benchClock(), { send: () => undefined });
  expect(Reflect.get(network, 'receive')).toBeUndefined();
  expect(() => {
    noSockets.connect(2, 'tcp', 'host', 1);
  }).not.toThrow();
});

test.each([
  [{ protocol: 'tcp' as const, hostPort: 1, guestPort: 0 }, /forwards\[0\]\.guestPort/],
  [{ protocol: 'tcp' as const, hostPort: 1, guestPort: 1, guestAddress: '10.1.1.1' }, /guestAddress/],
])('a wrong forward: %o', (forward, message) => {
  expect(() => userNetwork({ outside: { sockets: noSockets, forwards: [forward] } })).toThrow(message);
});
