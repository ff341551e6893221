// A virtio device on a board: its type, made from a kind of device and the registers that all kinds share (Virtio 1.2, 4.2).

import { bits, list, record, Reset, stateCodec } from '@worldswitch/platform';
import type { Device, DeviceType, Plain, TreeNode, Wiring } from '@worldswitch/platform';

import { queueShape } from './queue.ts';
import { REGION, virtioRegisters } from './registers.ts';
import { Status, Transport } from './transport.ts';
import type { VirtioKind, VirtioState } from './transport.ts';

/** A virtio device's type: what its devices have besides what all devices have is `Extras`. */
export interface VirtioType<Config, Own extends Plain, Extras> extends DeviceType<
  Config,
  VirtioState<Own>,
  'irq'
> {
  /** Makes one. */
  create(config: Config, wiring: Wiring<'irq'>, state?: VirtioState<Own>): Device<VirtioState<Own>> & Extras;
}

/** Makes the device type of a kind. */
export function virtioMmio<Config, Own extends Plain, Extras extends object>(
  kind: VirtioKind<Config, Own, Extras>,
): VirtioType<Config, Own, Extras> {
  const shape = record<VirtioState<Own>>({
    deviceFeaturesSel: bits(),
    driverFeaturesSel: bits(),
    features: list(bits(), 2),
    queueSel: bits(),
    interrupts: bits(3),
    status: bits(Status.Mask),
    generation: bits(),
    queues: list(queueShape, 0, kind.mostQueues),
    own: kind.own,
  });
  return {
    compatible: 'virtio,mmio',
    regions: [{ name: 'VIRTIO', size: REGION, widths: [1, 2, 4], registers: virtioRegisters.registers }],
    pins: ['irq'],
    state: stateCodec(1, shape),
    create: (config, wiring, state) => create(kind, config, wiring, state),
    treeNode: (_config, at): TreeNode => ({
      name: `virtio_mmio@${(at.bases[0] ?? 0).toString(16)}`,
      properties: {
        compatible: 'virtio,mmio',
        reg: [{ u64: at.bases[0] ?? 0 }, { u64: REGION }],
        interrupts: rising(at.interrupt('irq')),
        'dma-coherent': true,
      },
    }),
  };
}

/** A GIC's interrupt cells with the trigger of QEMU's nodes: the rising edge. */
const rising = (cells: readonly number[]): readonly number[] =>
  cells.length === 3 ? [...cells.slice(0, 2), 1] : cells;

function create<Config, Own extends Plain, Extras extends object>(
  kind: VirtioKind<Config, Own, Extras>,
  config: Config,
  wiring: Wiring<'irq'>,
  state?: VirtioState<Own>,
): Device<VirtioState<Own>> & Extras {
  const transport = new Transport(wiring, kind.deviceId, kind.queues(config), kind.features(config));
  if (state !== undefined) transport.restore(state);
  const model = kind.create(config, transport, state?.own);
  transport.model = model;
  if (state !== undefined) transport.drive();
  const device: Device<VirtioState<Own>> = {
    mmio: [virtioRegisters.mmio(transport, new Uint32Array(0), wiring.trace)],
    reset(phase) {
      if (phase === Reset.Enter) {
        transport.reset();
        transport.generation = 0;
      }
      if (phase === Reset.Hold) transport.drive();
    },
    save: () => ({ ...transport.save(), own: model.save() }),
  };
  return Object.assign(device, model.extras);
}
