// Connections between the guest and the outside: TCP, and where the guest may go.

import { describe, expect, test } from 'vitest';

import { ACK, FIN, GUEST, MS, PSH, RST, SERVER, SYN, only, opened, query, rig } from './outside-rig.ts';
import { packet, udp } from './station.ts';

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
