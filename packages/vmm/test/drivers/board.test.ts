// The drivers on the board's real devices, from software at EL2.

import { describe, expect, it } from 'vitest';

import { memoryDisk, unplugged, userNetwork } from '@worldswitch/devices';
import type { DiskBackend, NetworkPeerFactory } from '@worldswitch/devices';
import { attachSoftware, createMachine, virt } from '@worldswitch/machine';
import { record, stateCodec } from '@worldswitch/platform';
import type { CpuPort, Leave } from '@worldswitch/platform';

import { Current } from '../../src/current.ts';
import { HostSerial } from '../../src/drivers/pl011.ts';
import { HostDisk } from '../../src/drivers/virtio-blk.ts';
import { HostNic } from '../../src/drivers/virtio-net.ts';
import { PageAllocator, PhysicalMemory } from '../../src/memory/index.ts';

/** virtio's slots of the board: the first device has the last. */
const SLOT = (n: number): number => 0x0a00_0000 + (31 - n) * 0x200;

interface Drivers {
  readonly current: Current;
  readonly memory: PhysicalMemory;
  readonly pages: PageAllocator;
}

/** Runs `body` as the power-on entry of software at EL2; returns what the serial port sent and what was thrown. */
function atEl2(
  body: (port: CpuPort, drivers: Drivers) => void,
  disk: DiskBackend = memoryDisk(new Uint8Array(65_536)),
  net: NetworkPeerFactory = unplugged,
) {
  const current = new Current();
  const drivers = { current, memory: new PhysicalMemory(), pages: new PageAllocator(0x4100_0000, 512) };
  const codec = stateCodec(1, record<Record<string, never>>({}));
  const software = attachSoftware(
    'driver',
    () => ({
      boot: (port: CpuPort): Leave => {
        current.during(port, () => {
          body(port, drivers);
        });
        return 'wait';
      },
      take: (): Leave => 'wait',
      save: () => ({}),
    }),
    codec,
  );
  let printed = '';
  const machine = createMachine(
    virt({
      memory: '64M',
      el2: true,
      software: [software],
      virtio: [
        { name: 'disk', type: 'virtio-blk' },
        { name: 'net', type: 'virtio-net' },
      ],
    }),
    {
      disks: { disk },
      networks: { net },
      output: (_device, byte) => {
        printed += String.fromCharCode(byte);
      },
    },
  );
  machine.load({});
  machine.run(100);
  return { printed: () => printed, failure: machine.failure?.cause };
}

describe('the disk', () => {
  it('reads, writes and flushes what the board has, across its buffer', () => {
    const contents = new Uint8Array(200 * 512).map((_, i) => (i * 7) & 255);
    const disk = memoryDisk(contents);
    const { failure } = atEl2((port, { current, memory, pages }) => {
      const host = HostDisk.start(port, current, memory, pages, SLOT(0));
      expect([host.sectors, host.readOnly]).toEqual([200, false]);
      const all = new Uint8Array(200 * 512);
      expect(host.read(0, all)).toBe(true);
      expect(all).toEqual(contents);
      expect(host.write(3, new Uint8Array(1024).fill(0xaa))).toBe(true);
      expect(host.flush()).toBe(true);
      const again = new HostDisk(current, memory, SLOT(0), host.saveDriver());
      expect(again.read(4, all.subarray(0, 512))).toBe(true);
      expect(all.subarray(0, 512).every((byte) => byte === 0xaa)).toBe(true);
    }, disk);
    expect(failure).toBeUndefined();
    const sector = new Uint8Array(512);
    disk.read(3, sector);
    expect(sector.every((byte) => byte === 0xaa)).toBe(true);
  });

  it("fails when the board's fails, and for ever when it has gone", () => {
    let works = true;
    const whole = memoryDisk(new Uint8Array(4096));
    const disk: DiskBackend = {
      ...whole,
      sectors: 8,
      readOnly: false,
      read: (s, into) => works && whole.read(s, into),
    };
    const { failure } = atEl2((port, { current, memory, pages }) => {
      const host = HostDisk.start(port, current, memory, pages, SLOT(0));
      const sector = new Uint8Array(512);
      expect(host.read(0, sector)).toBe(true);
      works = false;
      expect(host.read(0, sector)).toBe(false);
      works = true;
      expect(host.read(0, sector)).toBe(true);
      // Somebody takes it off: the slot is empty.
      const gone = new HostDisk(current, memory, 0x0c00_0000, host.saveDriver());
      expect(gone.read(0, sector)).toBe(false);
      expect(gone.flush()).toBe(false);
    }, disk);
    expect(failure).toBeUndefined();
  });

  it('is not found where another device or none is', () => {
    const { failure } = atEl2((port, { current, memory, pages }) => {
      expect(() => HostDisk.start(port, current, memory, pages, SLOT(1))).toThrow('is not of kind 2');
      expect(() => HostDisk.start(port, current, memory, pages, SLOT(7))).toThrow('no ');
    });
    expect(failure).toBeUndefined();
  });
});

describe('the network card', () => {
  it('sends frames and takes the answers', () => {
    const { failure } = atEl2(
      (port, { current, memory, pages }) => {
        const nic = HostNic.start(port, current, memory, pages, SLOT(1));
        const frame = new Uint8Array(42);
        // Who has 10.0.2.2? Tell 10.0.2.15 (RFC 826).
        frame.set([255, 255, 255, 255, 255, 255, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 8, 6]);
        frame.set([0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 10, 0, 2, 15], 14);
        frame.set([10, 0, 2, 2], 38);
        nic.send(frame);
        const got: Uint8Array[] = [];
        for (let i = 0; i < 100 && got.length === 0; i++) {
          port.work(10_000);
          nic.interrupt(port, (answer) => got.push(answer));
        }
        expect(got.length).toBe(1);
        expect([...(got[0]?.subarray(20, 22) ?? [])]).toEqual([0, 2]);
        expect([...(got[0]?.subarray(28, 32) ?? [])]).toEqual([10, 0, 2, 2]);
      },
      undefined,
      userNetwork(),
    );
    expect(failure).toBeUndefined();
  });
});

describe('the serial port', () => {
  it('sends everything, in order', () => {
    const text = 'as much as one likes '.repeat(50);
    const { failure, printed } = atEl2((port) => {
      const serial = new HostSerial(0x0900_0000);
      serial.initialise(port);
      for (const c of text) serial.send(port, c.charCodeAt(0));
    });
    expect(failure).toBeUndefined();
    expect(printed()).toBe(text);
  });
});
