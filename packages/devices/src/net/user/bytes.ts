// Network byte order, Internet checksums (RFC 1071) and IPv4 addresses as numbers.

/** 16 bits, most significant byte first; 0 beyond the end. */
export const u16 = (from: Uint8Array, at: number): number => ((from[at] ?? 0) << 8) | (from[at + 1] ?? 0);
/** 32 bits, unsigned. */
export const u32 = (from: Uint8Array, at: number): number =>
  ((u16(from, at) << 16) | u16(from, at + 2)) >>> 0;

/** Stores 16 bits. */
export function put16(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 8;
  into[at + 1] = value;
}
/** Stores 32 bits. */
export function put32(into: Uint8Array, at: number, value: number): void {
  put16(into, at, value >>> 16);
  put16(into, at + 2, value);
}

/** The bytes one after the other. */
export function joined(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The ones' complement sum of 16-bit words over several pieces, each but the last of an even number of bytes; complemented. */
export function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) for (let i = 0; i < part.length; i += 2) sum += u16(part, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

/** `10.0.2.15` as a number; undefined where it is none. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((p) => /^\d{1,3}$/.test(p) && Number(p) < 256)) return undefined;
  return parts.reduce((sum, p) => sum * 256 + Number(p), 0);
}

/** The four bytes of an address. */
export const addressBytes = (address: number): readonly number[] => [
  address >>> 24,
  (address >>> 16) & 255,
  (address >>> 8) & 255,
  address & 255,
];

/** `10.0.2.15`. */
export const addressText = (address: number): string => addressBytes(address).join('.');
