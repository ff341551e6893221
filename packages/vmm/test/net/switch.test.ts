import { describe, expect, it } from 'vitest';

import { NetworkSwitch, switchShape } from '../../src/net/switch.ts';

/** A frame from one station to another. */
const frame = (to: number, from: number): Uint8Array =>
  Uint8Array.of(2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0, 1);
const broadcast = (from: number): Uint8Array => {
  const made = frame(0, from);
  made.fill(255, 0, 6);
  return made;
};

function make(ports: number, state?: ReturnType<NetworkSwitch['save']>) {
  const network = new NetworkSwitch(state);
  const got: number[] = new Array<number>(ports).fill(0);
  for (let i = 0; i < ports; i++)
    network.connect({
      send: () => {
        got[i] = (got[i] ?? 0) + 1;
      },
    });
  return { network, got };
}

describe('the switch', () => {
  it('floods what it does not know, and never back', () => {
    const { network, got } = make(3);
    network.forward(0, frame(2, 1));
    expect(got).toEqual([0, 1, 1]);
  });

  it('sends to where a station was seen last, and nowhere else', () => {
    const { network, got } = make(3);
    network.forward(2, broadcast(7));
    network.forward(0, frame(7, 1));
    expect(got).toEqual([1, 1, 1]);
    network.forward(1, broadcast(7));
    network.forward(0, frame(7, 1));
    expect(got).toEqual([2, 2, 2]);
  });

  it('forgets the oldest of too many stations, whatever a guest claims', () => {
    const { network, got } = make(3);
    network.forward(1, broadcast(7));
    for (let i = 0; i < 1000; i++) {
      const made = broadcast(i & 255);
      made[10] = 1 + (i >> 8);
      network.forward(2, made);
    }
    expect(network.save().length).toBe(256);
    got.fill(0);
    network.forward(0, frame(7, 1));
    expect(got).toEqual([0, 1, 1]);
  });

  it('takes frames from an address at the port alone that it belongs to', () => {
    const { network, got } = make(2);
    const own = frame(0, 9).subarray(6, 12);
    const port = network.connect({ send: () => undefined }, own);
    network.forward(0, frame(1, 9));
    expect(got, 'another station with its address').toEqual([0, 0]);
    network.forward(port, frame(1, 8));
    expect(got, 'it with another address').toEqual([0, 0]);
    network.forward(port, frame(1, 9));
    expect(got).toEqual([1, 1]);
    network.forward(0, frame(9, 1));
    expect(got, 'what is for it goes to it alone').toEqual([1, 1]);
  });

  it('drops what is no frame, and goes on from a saved state', () => {
    const { network, got } = make(2);
    network.forward(0, new Uint8Array(5));
    expect(got).toEqual([0, 0]);
    network.forward(1, broadcast(7));
    const copy = make(3, switchShape.check(network.save(), 'switch'));
    copy.network.forward(0, frame(7, 1));
    expect(copy.got).toEqual([0, 1, 0]);
    expect(() => switchShape.check([{ address: new Uint8Array(5), port: 0 }], 'switch')).toThrow(
      'switch[0].address',
    );
  });
});
