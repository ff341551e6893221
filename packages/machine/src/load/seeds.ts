// The entropy that a boot loader passes on in /chosen: `kaslr-seed` and `rng-seed` (Linux Documentation/devicetree, dt-schema
// chosen.yaml). It is a function of the configuration's seed, so that the same machine boots the same way.

import type { TreeValue } from '@worldswitch/platform';

/** The finalizer of MurmurHash3 over a counter: each seed gives another sequence, and none is all zeroes. */
function words(seed: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    let h = (seed ^ Math.floor(seed / 2 ** 32) ^ Math.imul(i + 1, 0x9e37_79b9)) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
    return (h ^ (h >>> 16)) >>> 0;
  });
}

/** Properties of `/chosen` for a seed; none for 0, and Linux then does without (`nokaslr`). */
export function seedProperties(seed: number): Readonly<Record<string, TreeValue>> {
  if (seed === 0) return {};
  const all = words(seed, 10);
  return { 'rng-seed': all.slice(0, 8), 'kaslr-seed': all.slice(8) };
}

/** 32 bytes for one device's entropy: another stream for each name. */
export function deviceEntropy(seed: number, name: string): Uint8Array {
  const mixed = Array.from(name, (c) => c).reduce(
    (h, c) => Math.imul(h ^ c.charCodeAt(0), 0x0100_0193),
    seed ^ 0x811c_9dc5,
  );
  const [high, low] = [words(seed, 4), words(mixed >>> 0, 4)];
  return new Uint8Array(Uint32Array.from([...high, ...low]).buffer);
}
