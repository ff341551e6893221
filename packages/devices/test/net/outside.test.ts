// The outside of a user network: datagrams, forwarded ports, snapshots, and hostile guests and hosts.

import { describe, expect, test } from 'vitest';

import type { Plain } from '@worldswitch/platform';
import { benchClock, random } from '@worldswitch/testkit';

import { encodeEvent, noSockets, parseEvent, userNetwork } from '../../src/index.ts';
import type { OutsideEvent } from '../../src/index.ts';
import {
  ACK,
  FIN,
  GUEST,
  MS,
  RST,
  SERVER,
  SYN,
  half,
  only,
  opened,
  query,
  rig,
  word,
} from './outside-rig.ts';
import type { Got, Rig } from './outside-rig.ts';
import { packet, seen, udp } from './station.ts';

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
