// A device by itself: surroundings that do as little as they may, for trying a device out without a board.

import { Fault } from './bus.ts';
import type { Dma, Transaction } from './bus.ts';
import type { InterruptLine, Wiring } from './device.ts';
import { noTrace } from './trace.ts';

const noMemory: Dma = {
  readInto: () => Fault.Decode,
  writeFrom: () => Fault.Decode,
  load: () => Fault.Decode,
  store: () => Fault.Decode,
  message: () => Fault.Decode,
};

/**
 * Wires that remember their levels, time that stands still, no memory behind the DMA port.
 *
 * @param seen - told whenever a wire changes
 */
export function alone<Pin extends string>(seen?: (pin: Pin, level: boolean) => void): Wiring<Pin> {
  const wires = new Map<Pin, InterruptLine>();
  const wire = (pin: Pin): InterruptLine => {
    let level = false;
    return {
      get level() {
        return level;
      },
      set(to) {
        if (to === level) return;
        level = to;
        seen?.(pin, to);
      },
    };
  };
  return {
    line(pin) {
      const line = wires.get(pin) ?? wire(pin);
      wires.set(pin, line);
      return line;
    },
    clock: {
      now: 0,
      timer: () => ({ deadline: Infinity, armAt: () => undefined, cancel: () => undefined }),
    },
    dma: noMemory,
    trace: noTrace,
  };
}

/** A requester for accesses by hand: CPU 0, Non-secure and privileged unless said otherwise. */
export function requester(fields: Partial<Transaction> = {}): Transaction {
  return { requester: 0, streamId: -1, secure: false, privileged: true, fault: Fault.None, ...fields };
}
