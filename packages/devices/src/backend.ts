// Where a serial port's characters go, and how they come.

/** The world at the other end of a serial line, as a device sees it. */
export interface CharacterBackend {
  /** Takes a byte that the guest has sent. */
  write(byte: number): void;
  /** Says that the device, which could receive nothing, now can. Optional: one may ask before each delivery instead. */
  ready?(): void;
}

/** A device that receives characters. */
export interface CharacterSink {
  /** How many bytes it would take now. */
  canReceive(): number;
  /** Delivers bytes, of which it takes the first ones: returns how many. Nothing is lost: the rest is for later. */
  receive(bytes: Uint8Array): number;
}
