// The port of the entry that runs now: for what is called without one (interrupt lines, DMA and clocks of emulated devices).

import type { CpuPort } from '@worldswitch/platform';

/** Holds the port between the start and the end of an entry. */
export class Current {
  private entered: CpuPort | undefined;

  /** The port of the entry that runs now. Throws where none does: nothing of a hypervisor runs outside its entries. Set at the start of an entry, and to `undefined` at its end. */
  get port(): CpuPort {
    if (this.entered === undefined) throw new Error('the machine is reached during entries only');
    return this.entered;
  }

  set port(port: CpuPort | undefined) {
    this.entered = port;
  }

  /** True during an entry. */
  get inside(): boolean {
    return this.entered !== undefined;
  }

  /** Runs `body` as an entry. */
  during<Result>(port: CpuPort, body: () => Result): Result {
    const before = this.entered;
    this.entered = port;
    try {
      return body();
    } finally {
      this.entered = before;
    }
  }
}
