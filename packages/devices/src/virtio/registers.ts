// The registers of virtio over MMIO, version 2 (Virtio 1.2, 4.2.2).

import { registerTable } from '@worldswitch/platform';
import type { Register, RegisterTable } from '@worldswitch/platform';

import { QUEUE_SIZE } from './queue.ts';
import type { Transport } from './transport.ts';

/** Bytes of the register block. */
export const REGION = 0x200;
/** The upper half of the highest address. */
const HIGH_MOST: number = 2 ** 20 - 1;

/** A write of half an address of the selected queue. */
const half =
  (field: 'descriptors' | 'driver' | 'device', high: boolean) =>
  ({ queue }: Transport, value: number): void => {
    if (queue === undefined || queue.ready) return;
    const at = queue[field];
    const [lo, hi] = [at % 2 ** 32, Math.floor(at / 2 ** 32)];
    // Bits beyond 52 cannot be kept, and no memory is there: an address that has them is one that no memory answers.
    queue[field] = high ? Math.min(value, HIGH_MOST) * 2 ** 32 + lo : hi * 2 ** 32 + value;
  };

/** A control register takes 32-bit writes alone (Virtio 1.2, 4.2.2.2): a part of one would be a value that nobody meant. */
const wo = (
  name: string,
  offset: number,
  about: string,
  write: (host: Transport, value: number) => void,
): Register<Transport> => ({
  name,
  offset,
  access: 'WO',
  about,
  write(host, value, lanes) {
    if (lanes === 0xffff_ffff) write(host, value);
  },
});
const rw = (
  name: string,
  offset: number,
  about: string,
  read: (host: Transport) => number,
  write: (host: Transport, value: number) => void,
): Register<Transport> => ({ ...wo(name, offset, about, write), access: 'RW', read });
const ro = (
  name: string,
  offset: number,
  about: string,
  read: (host: Transport) => number,
): Register<Transport> => ({ name, offset, access: 'RO', about, read });

const rows: readonly Register<Transport>[] = [
  ro('MagicValue', 0x000, '"virt"', () => 0x7472_6976),
  ro('Version', 0x004, '2', () => 2),
  ro('DeviceID', 0x008, 'kind of device; 0: an empty slot', (t) => t.deviceId),
  ro('VendorID', 0x00c, 'vendor', () => 0x5753_5754),
  ro('DeviceFeatures', 0x010, 'what the device offers', (t) => t.offered[t.deviceFeaturesSel] ?? 0),
  wo('DeviceFeaturesSel', 0x014, 'which word of it', (t, value) => (t.deviceFeaturesSel = value)),
  wo('DriverFeatures', 0x020, 'what the driver takes', (t, value) => {
    t.setFeatures(value);
  }),
  wo('DriverFeaturesSel', 0x024, 'which word of it', (t, value) => (t.driverFeaturesSel = value)),
  wo('QueueSel', 0x030, 'the queue that the next ones are about', (t, value) => (t.queueSel = value)),
  ro('QueueNumMax', 0x034, 'most descriptors', ({ queue }) => (queue === undefined ? 0 : QUEUE_SIZE)),
  wo('QueueNum', 0x038, 'descriptors', ({ queue }, value) => {
    if (queue?.ready === false) queue.resize(value);
  }),
  rw(
    'QueueReady',
    0x044,
    'the queue is in use',
    ({ queue }) => Number(queue?.ready === true),
    (t, value) => {
      t.setReady(value);
    },
  ),
  wo('QueueNotify', 0x050, 'chains are available in a queue', (t, value) => {
    t.notify(value);
  }),
  ro('InterruptStatus', 0x060, 'bit 0: used buffers, bit 1: configuration', (t) => t.interrupts),
  wo('InterruptACK', 0x064, 'clears bits of it', (t, value) => {
    t.acknowledge(value);
  }),
  rw(
    'Status',
    0x070,
    'how far the driver is; 0 resets',
    (t) => t.status,
    (t, value) => {
      t.setStatus(value);
    },
  ),
  wo('QueueDescLow', 0x080, 'descriptor table', half('descriptors', false)),
  wo('QueueDescHigh', 0x084, 'descriptor table', half('descriptors', true)),
  wo('QueueDriverLow', 0x090, 'available ring', half('driver', false)),
  wo('QueueDriverHigh', 0x094, 'available ring', half('driver', true)),
  wo('QueueDeviceLow', 0x0a0, 'used ring', half('device', false)),
  wo('QueueDeviceHigh', 0x0a4, 'used ring', half('device', true)),
  wo('SHMSel', 0x0ac, 'shared memory: there is none', () => undefined),
  ...['SHMLenLow', 'SHMLenHigh', 'SHMBaseLow', 'SHMBaseHigh'].map((name, i) =>
    ro(name, 0x0b0 + 4 * i, 'shared memory: there is none', () => 0xffff_ffff),
  ),
  ro('ConfigGeneration', 0x0fc, 'changes with the configuration space', (t) => t.generation),
  {
    name: 'Config',
    offset: 0x100,
    words: (REGION - 0x100) / 4,
    access: 'RW',
    about: "the device's configuration space",
    read: ({ model }, word) => {
      const at = (i: number): number => model?.config[4 * word + i] ?? 0;
      return at(0) | (at(1) << 8) | (at(2) << 16) | (at(3) << 24);
    },
    write: ({ model }, value, lanes, word) => {
      model?.configWritten?.(4 * word, value, lanes);
    },
  },
];
/** The registers of a virtio device over MMIO. */
export const virtioRegisters: RegisterTable<Transport> = registerTable(rows);
