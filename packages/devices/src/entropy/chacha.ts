// Random bytes that depend on nothing but a seed: ChaCha20's key stream (RFC 8439, 2.3). What a guest calls entropy is the same in
// every run with the same seed.

const CONSTANTS = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574] as const;
/** Column and diagonal rounds: which words a quarter round works on. */
const ROUNDS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

/** Bytes of a key. */
export const KEY = 32;
const BLOCK = 64;

/** Copies the key stream from a position on. */
export function keyStream(key: Uint8Array, position: number, into: Uint8Array): void {
  let done = 0;
  while (done < into.length) {
    const at = position + done;
    const block = keyBlock(key, Math.floor(at / BLOCK));
    const from = at % BLOCK;
    const part = block.subarray(from, from + Math.min(BLOCK - from, into.length - done));
    into.set(part, done);
    done += part.length;
  }
}

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** One block of the stream, with a zero nonce and a 64-bit counter. */
function keyBlock(key: Uint8Array, counter: number): Uint8Array {
  const view = new DataView(key.buffer, key.byteOffset, KEY);
  const start = new Uint32Array(16);
  start.set(CONSTANTS);
  for (let i = 0; i < 8; i++) start[4 + i] = view.getUint32(4 * i, true);
  start[12] = counter;
  start[13] = Math.floor(counter / 2 ** 32);
  const x = start.slice();
  const word = (i: number): number => x[i] ?? 0;
  for (let round = 0; round < 10; round++) {
    for (const [a, b, c, d] of ROUNDS) {
      x[a] = word(a) + word(b);
      x[d] = rotate(word(d) ^ word(a), 16);
      x[c] = word(c) + word(d);
      x[b] = rotate(word(b) ^ word(c), 12);
      x[a] = word(a) + word(b);
      x[d] = rotate(word(d) ^ word(a), 8);
      x[c] = word(c) + word(d);
      x[b] = rotate(word(b) ^ word(c), 7);
    }
  }
  const out = new DataView(new ArrayBuffer(BLOCK));
  for (let i = 0; i < 16; i++) out.setUint32(4 * i, word(i) + (start[i] ?? 0), true);
  return new Uint8Array(out.buffer);
}
