// A real board for tests of the kit: a hypervisor of its parts at EL2 and a small A64 guest at EL1, whose memory is elsewhere on the
// host than the guest thinks.

import { assembleProgram } from '@worldswitch/isa-core';
import { attachSoftware, createMachine } from '@worldswitch/machine';
import type { Machine, MachineConfig } from '@worldswitch/machine';
import { ipa, pa, record, stateCodec } from '@worldswitch/platform';
import type {
  CpuPort,
  Exception,
  Leave,
  PrivilegedSoftware,
  SoftwareContext,
  StateCodec,
  SystemOperation,
} from '@worldswitch/platform';

import { decodeExit } from '../../src/exits/index.ts';
import type { Exit } from '../../src/exits/index.ts';
import { buildHostMap, PageAllocator, PhysicalMemory, useHostMap } from '../../src/memory/index.ts';
import type { HostMap } from '../../src/memory/index.ts';
import { MmioEmulator, VmBus } from '../../src/mmio/index.ts';
import { systemOperation, systemRegister } from '../../src/names.ts';
import { Stage2Map } from '../../src/stage2/index.ts';

const MIB = 2 ** 20;
/** RAM as the guest sees it, and how much. */
export const GUEST_RAM = 0x4000_0000;
export const GUEST_BYTES = 4 * MIB;
/** Where it really is. */
export const HOST_RAM = 0x4100_0000;
/** Memory for the hypervisor's tables. */
const TABLES = 0x4040_0000;

/** VM, RW, AMO, IMO, FMO. */
export const HCR = 0x8000_0039;

/** What a test does with the hypervisor. */
export interface Script {
  /** After the guest's RAM is mapped, before it runs. */
  boot?(hypervisor: VmHypervisor, port: CpuPort): void;
  /** An exit; true where the script has handled it. */
  exit?(hypervisor: VmHypervisor, port: CpuPort, exit: Exit): boolean;
  /** What the port of each call is wrapped in. */
  wrap?(port: CpuPort): CpuPort;
  /** Stage 2's shape. */
  readonly ipaBits?: number;
  readonly startLevel?: number;
  /** Log2 of the blocks that map the guest's RAM. */
  readonly largest?: number;
}

/** A hypervisor of one VM. */
export class VmHypervisor implements PrivilegedSoftware<Record<string, never>> {
  readonly memory = new PhysicalMemory();
  readonly pages = new PageAllocator(TABLES, 2048);
  readonly bus = new VmBus();
  /** All exits, in order. */
  readonly exits: Exit[] = [];
  /** The CPU of each. */
  readonly takenOn: number[] = [];
  map!: Stage2Map;
  emulator!: MmioEmulator;
  private hostMap: HostMap | undefined;
  private readonly context: SoftwareContext;
  private readonly script: Script;

  constructor(context: SoftwareContext, script: Script) {
    this.context = context;
    this.script = script;
  }

  boot(real: CpuPort): Leave {
    const port = this.script.wrap?.(real) ?? real;
    port.writeSystem(systemRegister('VBAR_EL2'), this.context.page, 0);
    if (port.index === 0) this.first(port);
    else if (this.hostMap !== undefined) useHostMap(port, this.hostMap);
    this.useMap(port, this.map);
    port.writeSystem(systemRegister('HCR_EL2'), HCR, 0);
    port.operate(systemOperation('ISB'));
    port.writeSystem(systemRegister('ELR_EL2'), GUEST_RAM + port.index * 0x1000, 0);
    port.writeSystem(systemRegister('SPSR_EL2'), 0x3c5, 0);
    return 'eret';
  }

  private first(port: CpuPort): void {
    const { script, memory, pages, context } = this;
    const ranges = [
      { base: 0x0800_0000, size: 0x200_0000, kind: 'device' as const },
      { base: context.page, size: 0x1000, kind: 'memory' as const, execute: true },
      { base: 0x4000_0000, size: 64 * MIB, kind: 'memory' as const },
    ];
    this.hostMap = buildHostMap(port, memory, pages, ranges);
    useHostMap(port, this.hostMap);
    const { ipaBits = 40, startLevel, largest } = script;
    const shape = { ipaBits, paBits: 44, vmid: 3, ...(startLevel !== undefined && { startLevel }) };
    this.map = Stage2Map.create(port, memory, pages, shape);
    this.map.map(port, ipa(GUEST_RAM), pa(HOST_RAM), GUEST_BYTES, {}, largest);
    this.emulator = new MmioEmulator(this.bus, this.map, context.cpus, memory);
    script.boot?.(this, port);
  }

  take(exception: Exception, real: CpuPort): Leave {
    const port = this.script.wrap?.(real) ?? real;
    const exit = decodeExit(port, exception);
    this.exits.push(exit);
    this.takenOn.push(port.index);
    if (this.script.exit?.(this, port, exit) === true) return 'eret';
    if (exit.kind === 'hvc') return exit.immediate === 0 ? 'eret' : this.off(port);
    if (exit.kind !== 'data-abort') throw new Error(`no exit of kind ${exit.kind} is expected`);
    const logged = exit.fault === 'permission' && exit.write && exit.ipa !== -1;
    if (!logged || !this.map.written(port, exit.ipa)) this.emulator.emulate(port, exit, port.index);
    return 'eret';
  }

  /** Powers a further CPU on: it comes to `boot`, and its guest begins a page further for each. */
  start(port: CpuPort, cpu: number): void {
    port.writeX(0, 0xc400_0003, 0);
    port.writeX(1, cpu, 0);
    port.writeX(2, this.context.page + 0x800, 0);
    port.writeX(3, 0, 0);
    port.operate(systemOperation('SMC'));
  }

  private off(port: CpuPort): Leave {
    port.writeX(0, 0x8400_0008, 0);
    port.operate(systemOperation('SMC'));
    return 'wait';
  }

  save(): Record<string, never> {
    return {};
  }

  /** Stage 2's registers for a map. */
  useMap(port: CpuPort, map: Stage2Map): void {
    port.writeSystem(systemRegister('VTCR_EL2'), ...map.vtcr);
    port.writeSystem(systemRegister('VTTBR_EL2'), ...map.vttbr);
    port.operate(systemOperation('ISB'));
  }
}

const codec: StateCodec<Record<string, never>> = stateCodec(1, record<Record<string, never>>({}));

/** A machine with the hypervisor, and the guest's program in its memory. */
export function vmBoard(
  text: string,
  script: Script = {},
  config: Partial<MachineConfig> = {},
): { machine: Machine; hypervisor: VmHypervisor; run: (instructions?: number) => string } {
  const machine = createMachine({
    engine: 'reference',
    el2: true,
    memory: '64M',
    software: [attachSoftware('vmm', (context) => new VmHypervisor(context, script), codec)],
    ...config,
  });
  load(machine, text, HOST_RAM);
  const hypervisor = machine.board.software[0]?.software as unknown as VmHypervisor;
  return {
    machine,
    hypervisor,
    run(instructions = 1_000_000) {
      const end = machine.run(instructions);
      if (end === 'dead') throw machine.failure ?? new Error(machine.report());
      return end;
    },
  };
}

/** Puts a program that runs at GUEST_RAM into memory. */
export function load(machine: Machine, text: string, at: number): void {
  const { words } = assembleProgram(text, GUEST_RAM);
  machine.bus.load(pa(at), new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
}

const MAINTENANCE = ['TLBI IPAS2E1', 'TLBI VMALLE1', 'TLBI VMALLS12E1'] as const;

/** The port, but TLB maintenance is of this CPU's TLB alone. */
export function withLocalTlbi(port: CpuPort): CpuPort {
  return replacingTlbi(port, (name) => systemOperation(name));
}

/** The port, but TLB maintenance does nothing. */
export function withoutTlbi(port: CpuPort): CpuPort {
  return replacingTlbi(port, () => undefined);
}

function replacingTlbi(port: CpuPort, by: (name: string) => SystemOperation | undefined): CpuPort {
  const replaced = new Map(MAINTENANCE.map((name) => [systemOperation(`${name}IS`), by(name)]));
  return new Proxy(port, {
    get(target, name) {
      if (name === 'operate') {
        return ((operation, lo, hi) => {
          const instead = replaced.has(operation) ? replaced.get(operation) : operation;
          if (instead !== undefined) target.operate(instead, lo, hi);
        }) satisfies CpuPort['operate'];
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}
