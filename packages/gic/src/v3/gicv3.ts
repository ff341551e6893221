// The GICv3 as a device: distributor and redistributors on the bus, CPU interfaces as a bank of system registers, wires in, and
// the pins of each CPU out (IHI 0069).

import { Reset } from '@worldswitch/platform';
import type {
  Device,
  DeviceType,
  InterruptLine,
  Placement,
  SystemRegisterBank,
  TreeNode,
  Wiring,
} from '@worldswitch/platform';

import { maintenanceInterrupt } from '../v2/config.ts';
import type { GicInputs } from '../v2/gicv2.ts';
import { features, mostCpus } from './config.ts';
import type { Features, GicV3Config } from './config.ts';
import { distributor, gicd } from './gicd.ts';
import { gicr, redistributors, redistributorSize } from './gicr.ts';
import { icc } from './icc.ts';
import type { Context } from './icc.ts';
import { virtualRegisters } from './ich.ts';
import { chooseHighest, drive, isSet, routeChanged } from './interrupts.ts';
import { physicalPin } from './physical.ts';
import { gicV3Codec, restoreState, saveState } from './saved-state.ts';
import type { GicV3State } from './saved-state.ts';
import { gicState, resetInterface, resetState } from './state.ts';
import type { Gic } from './state.ts';
import { needsMaintenance, virtualPin } from './virtual.ts';

const kinds = ['irq', 'fiq', 'virq', 'vfiq'] as const;

/** A CPU's interrupt pin: `irq0` is CPU 0's IRQ. Those of CPUs that the configuration has not are never driven. */
export type GicV3Pin = `${(typeof kinds)[number]}${number}`;

/** A GICv3. */
export interface GicV3 extends Device<GicV3State> {
  /** Where other devices' wires end. */
  readonly inputs: GicInputs;
  /** The CPU interfaces' registers: ICC, and with list registers ICH and ICV. */
  readonly bank: SystemRegisterBank;
  /** Puts a CPU's interface in its reset state, as the reset of the CPU does. The redistributor keeps its own. */
  resetCpu(cpu: number): void;
}

/** A GICv3's type: what its devices have besides what all devices have. */
export interface GicV3Type extends DeviceType<GicV3Config, GicV3State, GicV3Pin> {
  /** Makes one. */
  create(config: GicV3Config, wiring: Wiring<GicV3Pin>, state?: GicV3State): GicV3;
}

const distributorSize = 0x1_0000;

/** A GICv3 without an ITS: distributor, and a region with room for the redistributors of 123 CPUs. */
export const gicV3: GicV3Type = {
  compatible: 'arm,gic-v3',
  regions: [
    { name: 'GICD', size: distributorSize, widths: [1, 4, 8], registers: gicd.registers },
    { name: 'GICR', size: mostCpus * redistributorSize, widths: [1, 4, 8], registers: gicr.registers },
  ],
  pins: kinds.flatMap((kind) => Array.from({ length: mostCpus }, (_, i): GicV3Pin => `${kind}${i}`)),
  state: gicV3Codec,
  create,
  treeNode,
};

function create(config: GicV3Config, wiring: Wiring<GicV3Pin>, state?: GicV3State): GicV3 {
  const gic = gicState(features(config));
  const settle = (): void => {
    for (let n = 0; n < gic.route.length; n++) routeChanged(gic, n);
    chooseHighest(gic);
  };
  if (state !== undefined) restoreState(gic, state);
  settle();
  const update = outputs(gic, wiring);
  if (state !== undefined) update();
  return {
    mmio: [distributor(gic, update, wiring.trace), redistributors(gic, update, wiring.trace)],
    inputs: inputsOf(gic, update),
    bank: bankOf(gic, update),
    resetCpu(cpu) {
      const found = gic.cpu[cpu];
      if (found !== undefined) resetInterface(found);
      update();
    },
    reset(phase) {
      if (phase === Reset.Enter) {
        resetState(gic);
        settle();
      }
      if (phase === Reset.Hold) update();
    },
    save: () => saveState(gic),
  };
}

/** The bank. A CPU that is not there reads zero. */
function bankOf(gic: Gic, update: () => void): SystemRegisterBank {
  const { listRegisters } = gic.is;
  const all = [...icc, ...(listRegisters > 0 ? virtualRegisters(listRegisters) : [])];
  const contexts: readonly Context[] = gic.cpu.map((cpu, index) => ({ gic, index, cpu }));
  return {
    registers: all.map(({ name }) => name),
    id: { ID_AA64PFR0_EL1: { GIC: 1 } },
    read(cpu, register, out) {
      const [row, on] = [all[register], contexts[cpu]];
      out.lo = out.hi = 0;
      if (row === undefined || on === undefined) return;
      out.lo = (row.read?.(on) ?? 0) >>> 0;
      if (row.readHigh !== undefined) out.hi = row.readHigh(on);
      if (row.acknowledges === true) update();
    },
    write(cpu, register, lo, hi) {
      const [row, on] = [all[register], contexts[cpu]];
      if (row?.write === undefined || on === undefined) return;
      row.write(on, lo, hi);
      update();
    },
  };
}

/** Drives a pin that changes. Most accesses change none. */
function put(pin: InterruptLine, level: boolean): void {
  if (pin.level !== level) pin.set(level);
}

/** The function that brings the CPUs' pins in line with the state. */
function outputs(gic: Gic, wiring: Wiring<GicV3Pin>): () => void {
  const pins = gic.cpu.map((cpu, i) => {
    const line = (kind: (typeof kinds)[number]): InterruptLine => wiring.line(`${kind}${i}`);
    return { cpu, irq: line('irq'), fiq: line('fiq'), virq: line('virq'), vfiq: line('vfiq') };
  });
  const virtual = gic.is.listRegisters > 0;
  return () => {
    if (virtual) {
      for (let i = 0; i < pins.length; i++) {
        const pin = pins[i];
        if (pin === undefined) continue;
        drive(gic, i, maintenanceInterrupt, needsMaintenance(pin.cpu));
        const kind = virtualPin(pin.cpu);
        put(pin.virq, kind === 'virq');
        put(pin.vfiq, kind === 'vfiq');
      }
    }
    chooseHighest(gic);
    for (let i = 0; i < pins.length; i++) {
      const pin = pins[i];
      if (pin === undefined) continue;
      const kind = physicalPin(gic, i, pin.cpu);
      put(pin.irq, kind === 'irq');
      put(pin.fiq, kind === 'fiq');
    }
  };
}

function inputsOf(gic: Gic, update: () => void): GicInputs {
  const line = (cpu: number, id: number): InterruptLine => ({
    get level() {
      return isSet(gic, gic.level, cpu, id);
    },
    set(level) {
      if (isSet(gic, gic.level, cpu, id) === level) return;
      drive(gic, cpu, id, level);
      update();
    },
  });
  const require = (holds: boolean, what: string): void => {
    if (!holds) throw new RangeError(`gic: there is no ${what}`);
  };
  return {
    spi(n) {
      require(Number.isInteger(n) && n >= 0 && n + 32 < gic.is.interrupts, `SPI ${n}`);
      return line(0, n + 32);
    },
    ppi(cpu, n) {
      require(Number.isInteger(cpu) && cpu >= 0 && cpu < gic.is.cpus, `CPU ${cpu}`);
      require(Number.isInteger(n) && n >= 0 && n < 16, `PPI ${n}`);
      const own = gic.is.listRegisters > 0 && n + 16 === maintenanceInterrupt;
      require(!own, `free PPI ${n}: the maintenance interrupt is there`);
      return line(cpu, n + 16);
    },
  };
}

/** The node as Linux's binding has it, `arm,gic-v3.yaml`; other nodes refer to it by the label `gic`. */
function treeNode(config: GicV3Config, at: Placement<GicV3Pin>): TreeNode {
  const is: Features = features(config);
  const [distributorBase, redistributorBase] = at.bases;
  if (distributorBase === undefined || redistributorBase === undefined) {
    throw new RangeError(`gic: 2 base addresses are needed, but there are ${at.bases.length}`);
  }
  return {
    name: `interrupt-controller@${distributorBase.toString(16)}`,
    label: 'gic',
    properties: {
      compatible: gicV3.compatible,
      '#interrupt-cells': [3],
      'interrupt-controller': true,
      '#address-cells': [2],
      '#size-cells': [2],
      ranges: true,
      '#redistributor-regions': [1],
      reg: [distributorBase, distributorSize, redistributorBase, mostCpus * redistributorSize].map((u64) => ({
        u64,
      })),
      // PPI 9, level-sensitive and active high.
      ...(is.listRegisters > 0 ? { interrupts: [1, maintenanceInterrupt - 16, 4] } : {}),
    },
  };
}
