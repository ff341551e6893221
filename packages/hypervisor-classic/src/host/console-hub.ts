// The consoles of all VMs on the board's one serial port.

import { savedDeadline } from '@worldswitch/platform';
import type { CpuPort } from '@worldswitch/platform';
import { ConsoleMultiplexer, HostSerial } from '@worldswitch/vmm';
import type { ConsoleState, Current, HostDeadline, HostSerialState, HostTimer } from '@worldswitch/vmm';

import { serialOf } from './setup.ts';
import type { HypervisorSetup } from './setup.ts';

/** What is saved. */
export interface ConsoleHubState {
  readonly serial: HostSerialState;
  readonly console: ConsoleState;
  /** By VM: what was typed and its serial port has not taken yet. */
  readonly typed: readonly Uint8Array[];
  /** When unfinished lines are looked at, in ticks; absent without a timer. */
  readonly show?: number | null;
}

/** Bytes that wait for a VM at most: what is typed beyond that is lost. */
export const MOST_TYPED = 4096;
/** Seconds without a byte after which an unfinished line is shown, and twice that at most. */
const QUIET = 0.02;

/** Types bytes at a serial port of a VM; returns how many it took. */
export type Type = (vm: number, device: string, bytes: Uint8Array) => number;

/** The consoles. */
export class ConsoleHub {
  private readonly serial: HostSerial | undefined;
  private readonly spi: number;
  private readonly multiplexer: ConsoleMultiplexer;
  private readonly current: Current;
  /** By VM: the serial port that is its console. */
  private readonly consoles: readonly (string | undefined)[];
  private readonly typed: number[][];
  private readonly type: Type;
  private readonly show: HostDeadline | undefined;
  private readonly timer: HostTimer | undefined;
  private readonly quiet: number;

  /** @param timer - with it unfinished lines are shown after a time; without it, when a CPU has nothing to do */
  constructor(
    setup: HypervisorSetup,
    current: Current,
    type: Type,
    state?: ConsoleHubState,
    timer?: HostTimer,
  ) {
    const serial = serialOf(setup.host);
    this.serial = serial && new HostSerial(serial.base, state?.serial);
    this.spi = serial?.spi ?? -1;
    this.current = current;
    this.type = type;
    this.consoles = setup.vms.map(
      ({ vm }) => vm.board.devices.find(({ kind }) => kind.type.compatible.includes('pl011'))?.name,
    );
    this.typed = setup.vms.map((_, i) => [...(state?.typed[i] ?? [])]);
    this.multiplexer = new ConsoleMultiplexer(
      setup.vms.map(({ vm }) => vm.name),
      {
        send: (byte) => {
          this.serial?.send(this.current.port, byte);
        },
        type: (vm, byte) => {
          const waiting = this.typed[vm];
          if (waiting === undefined) return;
          if (waiting.length < MOST_TYPED) waiting.push(byte);
          else this.multiplexer.lose(vm);
          this.deliver(vm);
        },
      },
      state?.console,
    );
    this.timer = timer;
    this.quiet = Math.ceil(setup.host.timer.frequency * QUIET);
    this.show = timer?.deadline(() => {
      this.multiplexer.quiet();
      this.showLater();
    });
    if (state?.show != null) this.show?.armAt(state.show);
  }

  private showLater(): void {
    if (this.show?.ticks === Infinity && this.multiplexer.unfinished)
      this.show.armAt((this.timer?.ticks ?? 0) + this.quiet);
  }

  /** Switches the serial port on. */
  initialise(port: CpuPort): void {
    this.serial?.initialise(port);
  }

  /** The shared interrupt of the serial port, where there is one. */
  get interruptNumber(): number | undefined {
    return this.spi < 0 ? undefined : this.spi + 32;
  }

  /** Bytes that a VM's serial port has sent; one that is not its console's goes nowhere. */
  output(vm: number, device: string, byte: number): void {
    if (this.consoles[vm] !== device) return;
    this.multiplexer.output(vm, byte);
    this.showLater();
  }

  /** A line of the hypervisor's own about a VM. */
  tell(vm: number, text: string): void {
    this.multiplexer.tell(vm, text);
  }

  /** A shared interrupt: true where it was the serial port's. */
  interrupt(port: CpuPort, interrupt: number): boolean {
    if (interrupt !== this.interruptNumber) return false;
    this.serial?.interrupt(port, (byte) => {
      this.multiplexer.typed(byte);
    });
    return true;
  }

  /** Offers a VM what was typed. */
  private deliver(vm: number): void {
    const waiting = this.typed[vm];
    const device = this.consoles[vm];
    if (waiting === undefined || device === undefined || waiting.length === 0) return;
    waiting.splice(0, this.type(vm, device, Uint8Array.from(waiting)));
    if (waiting.length === 0) this.multiplexer.tellLost(vm);
  }

  /** This CPU has nothing to do: unfinished lines are shown, where no timer does that. */
  idle(): void {
    if (this.show === undefined) this.multiplexer.idle();
  }

  /** Offers everybody what was typed at them and had no room yet. */
  offer(): void {
    for (let vm = 0; vm < this.typed.length; vm++) this.deliver(vm);
  }

  /** As plain data. */
  save(): ConsoleHubState {
    return {
      ...(this.show && { show: savedDeadline(this.show.ticks) }),
      serial: this.serial?.save() ?? { waiting: new Uint8Array(), lost: 0 },
      console: this.multiplexer.save(),
      typed: this.typed.map((bytes) => Uint8Array.from(bytes)),
    };
  }
}
