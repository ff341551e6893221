// A guest for tests of access emulation: a device that remembers, a fake port, and aborts as the CPU would take them.

import { assembleProgram } from '@worldswitch/isa-core';
import { ipa, pa } from '@worldswitch/platform';
import type { Mmio, Transaction } from '@worldswitch/platform';

import { decodeExit } from '../../src/exits/index.ts';
import type { DataAbortExit } from '../../src/exits/index.ts';
import { PageAllocator, PhysicalMemory } from '../../src/memory/index.ts';
import { MmioEmulator, VmBus } from '../../src/mmio/index.ts';
import { systemOperation } from '../../src/names.ts';
import { Stage2Map } from '../../src/stage2/index.ts';
import { FakePort, RAM } from '../fake-port.ts';

/** Where the device is, for the guest and on its bus. */
export const DEVICE = 0x0900_0000;
/** Where the instruction is: virtual and physical are the same. */
export const CODE = RAM + 0x8_0000;

/** Bytes, and a record of accesses. */
export class ByteDevice implements Mmio {
  readonly bytes: Uint8Array = Uint8Array.from({ length: 0x1000 }, (_, i) => (i * 37 + 0x81) & 0xff);
  readonly log: string[] = [];

  read(offset: number, width: number): number {
    this.log.push(`read${width} ${offset.toString(16)}`);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.bytes[offset + i] ?? 0);
    return value;
  }

  write(offset: number, width: number, value: number, by: Transaction): void {
    this.log.push(`write${width} ${offset.toString(16)}${by.privileged ? '' : ' user'}`);
    for (let i = 0; i < width; i++) this.bytes[offset + i] = value >>> (8 * i);
  }
}

/** Everything together: `run` is what a hypervisor does when the instruction at CODE aborts. */
export class FakeGuest {
  readonly port = new FakePort();
  readonly device = new ByteDevice();
  readonly bus = new VmBus();
  readonly map: Stage2Map;
  readonly emulator: MmioEmulator;
  /** Stage 1 is the identity; pages in this set do not translate. */
  readonly unmapped = new Set<number>();

  constructor(widths: readonly (1 | 2 | 4 | 8)[] = [1, 2, 4]) {
    const { port } = this;
    const memory = new PhysicalMemory();
    const pages = new PageAllocator(RAM + 0x10_0000, 64);
    this.map = Stage2Map.create(port, memory, pages, { ipaBits: 40, paBits: 40, vmid: 1 });
    this.map.map(port, ipa(RAM), pa(RAM), 0x20_0000);
    this.bus.map({ name: 'device', base: ipa(DEVICE), size: 0x1000, widths }, this.device);
    this.emulator = new MmioEmulator(this.bus, this.map, 2, memory);
    port.put('SPSR_EL2', 5);
    port.put('ELR_EL2', CODE);
    port.put('PAR_EL1', 0x1234);
    port.onOperate = (operation, value) => {
      const at = ['S1E0R', 'S1E0W', 'S1E1R', 'S1E1W', 'S12E1R'].some(
        (name) => operation === systemOperation(`AT ${name}`),
      );
      if (!at) return;
      const page = Number(value / 4096n);
      port.put('PAR_EL1', this.unmapped.has(page) ? (7 << 1) | 1 : page * 4096 + 0x800);
    };
    port.done.length = 0;
  }

  /** Puts an instruction at CODE, where the guest is. */
  code(text: string): void {
    this.port.put('ELR_EL2', CODE);
    this.port.poke32(CODE, assembleProgram(text, CODE).words[0] ?? 0);
  }

  /** The exit of an access to `va`, without a syndrome. */
  exit(va: number, write: boolean, iss = 0): DataAbortExit {
    const { port } = this;
    port.put('ESR_EL2', (0x24 << 26) | (1 << 25) | iss | (write ? 0x40 : 0) | 7);
    port.put('FAR_EL2', va);
    port.put('HPFAR_EL2', Math.floor(va / 4096) * 16);
    const exit = decodeExit(port, { kind: 'synchronous', from: 'lower-a64' });
    if (exit.kind !== 'data-abort') throw new Error(exit.kind);
    port.done.length = 0;
    return exit;
  }

  /** The instruction at CODE aborts at `va`. */
  run(va: number, write: boolean, iss = 0): string {
    return this.emulator.emulate(this.port, this.exit(va, write, iss), 0);
  }

  /** Loads that were made through the port. */
  get loads(): number {
    return this.port.done.filter((d) => d.what === 'load').length;
  }
}
