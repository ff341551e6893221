// The user-mode network as a station sees it: DHCP, ARP, ICMP, DNS, refusals; hostile frames; saved states.

import { describe, expect, test } from 'vitest';

import { StateError } from '@worldswitch/platform';
import { benchClock, random } from '@worldswitch/testkit';

import { userNetwork } from '../../src/index.ts';
import { big, dhcp, echo, ip, MAC, optionsOf, packet, seen, station, udp } from './station.ts';
import type { Seen, Station } from './station.ts';

const DISCOVER = 1;
const REQUEST = 3;

const lease = (
  s: Station,
  type: number,
  options: readonly number[],
  more: Parameters<typeof dhcp>[2] & { to?: string } = {},
): Seen[] =>
  s.ask(
    packet({
      from: more.ciaddr ?? '0.0.0.0',
      to: more.to ?? '255.255.255.255',
      protocol: 17,
      payload: udp(more.ciaddr ?? '0.0.0.0', 68, more.to ?? '255.255.255.255', 67, dhcp(type, options, more)),
      ...(more.mac && { mac: more.mac }),
    }),
  );
const yours = ({ payload }: Seen): string => payload.subarray(8 + 16, 8 + 20).join('.');
const sole = (all: readonly Seen[]): Seen => {
  expect(all).toHaveLength(1);
  const [one] = all;
  if (one === undefined) throw new Error('nothing came');
  expect(one.checksums).toEqual([0, 0]);
  return one;
};

describe('DHCP (RFC 2131)', () => {
  test('addresses of hosts with names are nobody else’s', () => {
    const s = station({ names: { 'files.lan': '10.0.2.15', 'print.lan': '10.0.2.17' } });
    expect(yours(sole(lease(s, DISCOVER, [50, 4, ...ip('10.0.2.15')])))).toBe('10.0.2.16');
    expect(optionsOf(sole(lease(s, REQUEST, [50, 4, ...ip('10.0.2.17')])).payload)[53]).toEqual([6]);
  });

  test('discover, offer, request, ack; the answer comes after the latency', () => {
    const s = station({ hostname: 'guest', domain: 'example.test' });
    const offer = sole(lease(s, DISCOVER, []));
    expect(offer.at).toBe(100_000);
    expect(yours(offer)).toBe('10.0.2.15');
    expect([offer.from, offer.to, offer.destination]).toEqual(['10.0.2.2', '10.0.2.15', MAC]);
    expect(optionsOf(offer.payload)).toMatchObject({
      53: [2],
      54: ip('10.0.2.2'),
      1: ip('255.255.255.0'),
      3: ip('10.0.2.2'),
      6: ip('10.0.2.3'),
      28: ip('10.0.2.255'),
      51: big(86_400, 4),
      12: [...new TextEncoder().encode('guest')],
      15: [...new TextEncoder().encode('example.test')],
    });
    const ack = sole(lease(s, REQUEST, [50, 4, ...ip('10.0.2.15'), 54, 4, ...ip('10.0.2.2')]));
    expect([optionsOf(ack.payload)[53], yours(ack)]).toEqual([[5], '10.0.2.15']);
    // The transaction and the client's hardware address come back.
    expect([...ack.payload.subarray(12, 16)]).toEqual([0xde, 0xad, 0xbe, 0xef]);
    expect([...ack.payload.subarray(36, 42)]).toEqual([...MAC]);
  });

  test('who asks for a broadcast gets one', () => {
    const offer = sole(lease(station(), DISCOVER, [], { flags: 0x8000 }));
    expect([offer.to, offer.destination]).toEqual(['255.255.255.255', Array(6).fill(255)]);
  });

  test('clients have addresses of their own, and the same one again; a foreign or taken one is refused', () => {
    const s = station();
    const other = [2, 0, 0, 0, 0, 9];
    const take = (mac: readonly number[], address: string): Seen =>
      sole(lease(s, REQUEST, [50, 4, ...ip(address)], { mac }));
    expect(yours(take(MAC, '10.0.2.20'))).toBe('10.0.2.20');
    const taken = take(other, '10.0.2.20');
    expect(optionsOf(taken.payload)[53]).toEqual([6]);
    expect(taken.to).toBe('255.255.255.255');
    expect(optionsOf(take(other, '192.168.1.5').payload)[53]).toEqual([6]);
    expect(optionsOf(take(other, '10.0.2.2').payload)[53]).toEqual([6]);
    expect(yours(sole(lease(s, DISCOVER, [])))).toBe('10.0.2.20');
    expect(yours(sole(lease(s, DISCOVER, [], { mac: other })))).toBe('10.0.2.15');
  });

  test('renewal by unicast, release, and a declined address', () => {
    const s = station();
    lease(s, REQUEST, [50, 4, ...ip('10.0.2.15')]);
    const renewed = sole(lease(s, REQUEST, [], { ciaddr: '10.0.2.15', to: '10.0.2.2' }));
    expect([optionsOf(renewed.payload)[53], renewed.to]).toEqual([[5], '10.0.2.15']);
    expect(lease(s, 7, [], { ciaddr: '10.0.2.15', to: '10.0.2.2' })).toEqual([]);
    const other = [2, 0, 0, 0, 0, 9];
    expect(yours(sole(lease(s, REQUEST, [50, 4, ...ip('10.0.2.15')], { mac: other })))).toBe('10.0.2.15');
    expect(lease(s, 4, [50, 4, ...ip('10.0.2.15')], { mac: other })).toEqual([]);
    expect(yours(sole(lease(s, DISCOVER, [], { mac: other })))).toBe('10.0.2.16');
    // Nobody declines another's address, and the next one does not make the first good again.
    expect(yours(sole(lease(s, REQUEST, [50, 4, ...ip('10.0.2.16')], { mac: other })))).toBe('10.0.2.16');
    lease(s, 4, [50, 4, ...ip('10.0.2.16')]);
    expect(yours(sole(lease(s, DISCOVER, [])))).toBe('10.0.2.17');
    lease(s, 4, [50, 4, ...ip('10.0.2.16')], { mac: other });
    expect(yours(sole(lease(s, DISCOVER, [])))).toBe('10.0.2.17');
  });

  test('a message to another server is not ours', () => {
    expect(lease(station(), REQUEST, [50, 4, ...ip('10.0.2.15'), 54, 4, ...ip('10.0.2.9')])).toEqual([]);
  });

  test('a full pool offers nothing until a lease is over', () => {
    const s = station({ firstLease: '10.0.2.254', leaseSeconds: 60 });
    lease(s, REQUEST, [50, 4, ...ip('10.0.2.254')]);
    const other = [2, 0, 0, 0, 0, 9];
    expect(lease(s, DISCOVER, [], { mac: other })).toEqual([]);
    s.clock.advanceTo(61_000_000_000);
    expect(yours(sole(lease(s, DISCOVER, [], { mac: other })))).toBe('10.0.2.254');
  });

  test('inform gives settings and no address', () => {
    const reply = sole(lease(station(), 8, [], { ciaddr: '10.0.2.77', to: '10.0.2.2' }));
    expect([yours(reply), optionsOf(reply.payload)[51], optionsOf(reply.payload)[3]]).toEqual([
      '0.0.0.0',
      undefined,
      ip('10.0.2.2'),
    ]);
  });
});

describe('ARP, ICMP, TCP', () => {
  const arp = (target: string): Uint8Array =>
    Uint8Array.from([
      ...Array<number>(6).fill(255),
      ...MAC,
      ...[8, 6, 0, 1, 8, 0, 6, 4, 0, 1],
      ...MAC,
      ...ip('10.0.2.15'),
      ...Array<number>(6).fill(0),
      ...ip(target),
    ]);

  test('hosts that are there say where', () => {
    const s = station({ names: { 'files.lan': '10.0.2.7' } });
    s.network.send(arp('10.0.2.2'));
    s.network.send(arp('10.0.2.7'));
    s.network.send(arp('10.0.2.9'));
    s.network.send(arp('10.0.2.15'));
    s.clock.advanceTo(1_000_000);
    expect(s.received.map((f) => [...f.subarray(20, 22), ...f.subarray(22, 32)])).toEqual([
      [0, 2, 0x52, 0x55, 10, 0, 2, 2, 10, 0, 2, 2],
      [0, 2, 0x52, 0x55, 10, 0, 2, 7, 10, 0, 2, 7],
    ]);
  });

  const ping = (to: string, more: object = {}): Uint8Array =>
    packet({ to, protocol: 1, payload: echo([1, 2, 3, 4, 5, 6]), ...more });

  test('gateway, name server and named hosts answer an echo with its data', () => {
    const s = station({ names: { 'www.example.test': '93.184.216.34', 'files.lan': '10.0.2.7' } });
    for (const to of ['10.0.2.2', '10.0.2.3', '10.0.2.7', '93.184.216.34']) {
      const reply = sole(s.ask(ping(to)));
      expect([reply.from, reply.to, [...reply.payload.subarray(4)]]).toEqual([
        to,
        '10.0.2.15',
        [0, 7, 0, 1, 1, 2, 3, 4, 5, 6],
      ]);
    }
  });

  test.each([
    ['elsewhere: network unreachable', '8.8.8.8', {}, [3, 0]],
    ['elsewhere with no time to live: time exceeded', '8.8.8.8', { ttl: 1 }, [11, 0]],
    ['a protocol that nobody speaks', '10.0.2.2', { protocol: 99 }, [3, 2]],
  ])('%s', (_name, to, more, expected) => {
    const sent = ping(to, more);
    const reply = sole(station().ask(sent));
    expect([reply.payload[0], reply.payload[1], reply.from]).toEqual([...expected, '10.0.2.2']);
    // It quotes what it is about.
    expect([...reply.payload.subarray(8)]).toEqual([...sent.subarray(14, 14 + 28)]);
  });

  test.each([
    ['a neighbour that is not there', ping('10.0.2.99')],
    ['a fragment', ping('10.0.2.2', { fragment: 0x2000 })],
    ['a source of another network', ping('10.0.2.2', { from: '1.2.3.4' })],
    ['a source that is ours', ping('10.0.2.2', { from: '10.0.2.3' })],
    ['a broadcast', ping('10.0.2.255')],
    ['a wrong checksum', Uint8Array.from(ping('10.0.2.2'), (b, i) => (i === 24 ? b ^ 1 : b))],
    ['a wrong ICMP checksum', Uint8Array.from(ping('10.0.2.2'), (b, i) => (i === 40 ? b ^ 1 : b))],
    ['a length beyond the frame', Uint8Array.from(ping('10.0.2.2').subarray(0, 40))],
  ])('%s: no answer', (_name, frame) => {
    expect(station().ask(frame)).toEqual([]);
  });

  test('a SYN is refused with a reset that acknowledges it', () => {
    const segment = (check: number): number[] => [
      ...big(40000, 2),
      ...big(80, 2),
      ...big(0x0102_0304, 4),
      ...big(0, 4),
      0x50,
      2,
      ...big(1024, 2),
      ...big(check, 2),
      0,
      0,
    ];
    const pseudo = [...ip('10.0.2.15'), ...ip('10.0.2.2'), 0, 6, 0, 20];
    const total = [...pseudo, ...segment(0)];
    let check = 0;
    for (let i = 0; i < total.length; i += 2) check += (total[i] ?? 0) * 256 + (total[i + 1] ?? 0);
    check = 65535 - ((check % 65536) + Math.floor(check / 65536));
    const reply = sole(station().ask(packet({ to: '10.0.2.2', protocol: 6, payload: segment(check) })));
    expect([...reply.payload.subarray(0, 14)]).toEqual([
      ...big(80, 2),
      ...big(40000, 2),
      ...big(0, 4),
      ...big(0x0102_0305, 4),
      0x50,
      0x14,
    ]);
    expect(station().ask(packet({ to: '10.0.2.2', protocol: 6, payload: segment(check ^ 1) }))).toEqual([]);
  });
});

describe('DNS (RFC 1035)', () => {
  const query = (name: string, type: number, flags = 0x0100): number[] => [
    ...[0xab, 0xcd, ...big(flags, 2), 0, 1, 0, 0, 0, 0, 0, 0],
    ...name
      .split('.')
      .map((label) => new TextEncoder().encode(label))
      .flatMap((label) => [label.length, ...label]),
    0,
    ...big(type, 2),
    0,
    1,
  ];
  const ask = (data: readonly number[], to = '10.0.2.3', port = 53): Seen =>
    sole(
      station({ domain: 'lan', names: { 'www.Example.test': '93.184.216.34', 'Zoë.test.': '10.9.9.9' } }).ask(
        packet({ to, protocol: 17, payload: udp('10.0.2.15', 5000, to, port, data) }),
      ),
    );
  const header = ({ payload }: Seen): number[] => [...payload.subarray(8, 20)];

  test('an address', () => {
    const reply = ask(query('WWW.example.test', 1));
    expect(header(reply)).toEqual([0xab, 0xcd, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    expect([...reply.payload.subarray(-16)]).toEqual([
      ...[0xc0, 12, 0, 1, 0, 1],
      ...big(3600, 4),
      ...[0, 4],
      ...ip('93.184.216.34'),
    ]);
  });
  test('a name of other letters is its bytes, with the lengths of those', () => {
    expect([...ask(query('ZOë.test', 1)).payload.subarray(-4)]).toEqual([10, 9, 9, 9]);
    expect(header(ask(query('zoË.test', 1))).slice(2, 4)).toEqual(big(0x8583, 2));
    const name = [4, 0x7a, 0x6f, 0xc3, 0xab, 4, ...new TextEncoder().encode('test'), 0];
    const reply = ask(query('9.9.9.10.in-addr.arpa', 12)).payload;
    expect([...reply.subarray(-name.length - 2)]).toEqual([0, name.length, ...name]);
  });
  test.each([
    ['no IPv6 address, but the name is there', query('gateway.lan', 28), 0x8580, 0],
    ['a name that is not there', query('nowhere.test', 1), 0x8583, 0],
    ['the name of an address', query('34.216.184.93.in-addr.arpa', 12), 0x8580, 1],
    ['another opcode', query('gateway.lan', 1, 0x2800), 0xac84, 0],
    ['a name that does not end', query('gateway.lan', 1).slice(0, 20), 0x8581, 0],
    ['a name of 256 bytes', query(`${'abc.'.repeat(63)}ab`, 1), 0x8581, 0],
    ['a name of 255 bytes', query(`${'abc.'.repeat(63)}a`, 1), 0x8583, 0],
    ['a label that is too long', [...query('a', 1).slice(0, 12), 0xc0, 0x0c, 0, 1, 0, 1], 0x8581, 0],
  ])('%s', (_name, data, flags, answers) => {
    expect(header(ask(data)).slice(2, 8)).toEqual([
      ...big(flags, 2),
      ...(flags === 0x8581 || flags === 0xac84 ? [0, 0] : [0, 1]),
      ...big(answers, 2),
    ]);
  });
  test('other ports are unreachable', () => {
    const reply = ask([1, 2, 3], '10.0.2.2', 9);
    expect([reply.protocol, reply.payload[0], reply.payload[1]]).toEqual([1, 3, 3]);
  });
});

test('a hundred thousand hostile frames: every answer is well-formed, and no state grows without bound', () => {
  const draw = random(7);
  const s = station({ names: { a: '1.2.3.4' } });
  const seeds = [
    packet({ to: '10.0.2.2', protocol: 1, payload: echo([1, 2]) }),
    packet({
      from: '0.0.0.0',
      to: '255.255.255.255',
      protocol: 17,
      payload: udp('0.0.0.0', 68, '255.255.255.255', 67, dhcp(REQUEST, [50, 4, ...ip('10.0.2.30')])),
    }),
    packet({
      to: '10.0.2.3',
      protocol: 17,
      payload: udp('10.0.2.15', 5, '10.0.2.3', 53, [...Array(30).keys()]),
    }),
  ];
  let answers = 0;
  for (let i = 0; i < 100_000; i++) {
    const frame = draw.pick(seeds).slice(0, draw.below(4) === 0 ? draw.below(400) : undefined);
    for (let n = draw.below(4); n > 0; n--) frame[draw.below(frame.length + 1)] = draw.word();
    // Checksums that still fit let the damage get further in.
    if (draw.below(2) === 0 && frame.length > 34) frame.set(repaired(frame), 0);
    s.network.send(frame);
    if (i % 64 === 63) s.clock.advanceTo(s.clock.now + 1_000_000);
    for (const reply of s.received.splice(0)) {
      answers++;
      if (reply[12] === 8 && reply[13] === 0) expect(seen(reply).checksums).toEqual([0, 0]);
    }
  }
  expect(answers).toBeGreaterThan(10_000);
  expect(JSON.stringify(s.network.save()).length).toBeLessThan(200_000);
});

/** The frame with a right IP checksum, and no UDP checksum. */
function repaired(frame: Uint8Array): Uint8Array {
  const copy = frame.slice();
  copy[14] = 0x45;
  copy.set(big(copy.length - 14, 2), 16);
  copy[24] = copy[25] = 0;
  let total = 0;
  for (let i = 14; i < 34; i += 2) total += (copy[i] ?? 0) * 256 + (copy[i + 1] ?? 0);
  copy.set(big(65535 - ((total % 65536) + Math.floor(total / 65536)), 2), 24);
  if (copy[23] === 17 && copy.length > 42) copy.set([...big(copy.length - 34, 2), 0, 0], 38);
  return copy;
}

test('saved between offer and request, with an answer on its way: an equal future', () => {
  const s = station();
  s.network.send(
    packet({
      from: '0.0.0.0',
      to: '255.255.255.255',
      protocol: 17,
      payload: udp('0.0.0.0', 68, '255.255.255.255', 67, dhcp(DISCOVER, [])),
    }),
  );
  s.clock.advanceTo(50_000);
  const saved = s.network.save();
  const clock = benchClock(50_000);
  const received: Uint8Array[] = [];
  const twin = userNetwork()(clock, { send: (frame) => received.push(frame) }, saved);
  for (const [c, n] of [
    [s.clock, s.network],
    [clock, twin],
  ] as const) {
    c.advanceTo(200_000);
    n.send(packet({ to: '10.0.2.2', protocol: 1, payload: echo([9]) }));
    c.advanceTo(400_000);
  }
  expect(received).toHaveLength(2);
  expect(received).toEqual(s.received);
  expect(twin.save()).toEqual(s.network.save());
});

test.each([
  ['a list of leases that is none', { leases: 1, frames: [], id: 0 }, 'leases'],
  [
    'a frame that is too short',
    { leases: [], frames: [{ at: 1, frame: new Uint8Array(3) }], id: 0 },
    'frames[0].frame',
  ],
  ['an unknown field', { leases: [], frames: [], id: 0, more: 1 }, 'more'],
])('a malformed state is refused: %s', (_name, state, field) => {
  const make = (): unknown => userNetwork()(benchClock(), { send: () => undefined }, state);
  expect(make).toThrow(StateError);
  expect(make).toThrow(field);
});

test.each([
  [{ gateway: '10.0.3.2' }, /gateway must be an address of the network/],
  [{ dns: 'here' }, /dns must be an address such as/],
  [{ dns: '10.0.2.2' }, /dns must be another address/],
  [{ leaseSeconds: 2 ** 31 - 1 }, /leaseSeconds must be/],
  [{ prefix: 31 }, /prefix must be 8 to 28/],
  [{ names: { a: '300.1.1.1' } }, /names\.a/],
  [{ names: { ['a'.repeat(64)]: '1.1.1.1' } }, /labels of 1 to 63 bytes/],
  [{ names: { ['ë'.repeat(32)]: '1.1.1.1' } }, /labels of 1 to 63 bytes/],
  [{ names: { [`${'abc.'.repeat(63)}ab`]: '1.1.1.1' } }, /at most 255/],
  [{ names: { 'a..b': '1.1.1.1' } }, /labels of/],
  [{ names: { a: '10.0.2.255' } }, /names\.a must be an address of the network/],
  [{ domain: '' }, /domain must be a name/],
  [{ hostname: 'a'.repeat(64) }, /hostname must be a name/],
])('a wrong configuration: %o', (config, message) => {
  expect(() => userNetwork(config)).toThrow(message);
});
