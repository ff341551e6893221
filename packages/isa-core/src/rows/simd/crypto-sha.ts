// SHA1C, SHA1P, SHA1M, SHA1H, SHA1SU0, SHA1SU1, SHA256H, SHA256H2, SHA256SU0, SHA256SU1 (DDI 0487 C7.2, J1
// shared/functions/crypto; FIPS 180-4 6.1 and 6.2).

import type { Builder } from '../../semantics/builder.ts';
import { V } from '../../semantics/operands.ts';
import type { Int, Vec } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

type Word = Int<32>;
type Four = readonly [Word, Word, Word, Word];

const four = (b: Builder, v: Vec): Four => [0, 1, 2, 3].map((i) => b.lane(32, v, i, false, 32)) as never;
const vectorOf = (b: Builder, words: Four): Vec =>
  words.reduce((v, w, i) => b.withLane(32, v, i, b.extend(w, 32, false, 64)), b.vzero());

const rotated = (b: Builder, x: Word, right: number): Word => b.ror(x, b.int(32, right));
const shifted = (b: Builder, x: Word, right: number): Word => b.shr(x, b.int(32, right));
const sum = (b: Builder, ...words: readonly [Word, ...Word[]]): Word => words.reduce((x, y) => b.add(x, y));
const xor = (b: Builder, ...words: readonly [Word, ...Word[]]): Word => words.reduce((x, y) => b.xor(x, y));

/** SHAchoose(), SHAparity(), SHAmajority(). */
const choose = (b: Builder, x: Word, y: Word, z: Word): Word => b.xor(b.and(b.xor(y, z), x), z);
const parity = (b: Builder, x: Word, y: Word, z: Word): Word => xor(b, x, y, z);
const majority = (b: Builder, x: Word, y: Word, z: Word): Word => b.or(b.and(x, y), b.and(b.or(x, y), z));

/** Four rounds of SHA-1 (FIPS 180-4 6.1.2, step 3): a to d in `abcd`, e, and the words with their constants. */
function sha1Rounds(b: Builder, f: typeof choose, abcd: Four, e: Word, words: Four): Four {
  let state: readonly [...Four, Word] = [...abcd, e];
  for (const w of words) {
    const [A, B, C, D, E] = state;
    const next = sum(b, E, rotated(b, A, 27), f(b, B, C, D), w);
    state = [next, A, rotated(b, B, 2), C, D];
  }
  const [A, B, C, D] = state;
  return [A, B, C, D];
}

/** Four rounds of SHA-256 (FIPS 180-4 6.2.2, step 3): a to d and e to h. */
function sha256Rounds(b: Builder, abcd: Four, efgh: Four, words: Four): readonly [Four, Four] {
  let [x, y] = [abcd, efgh];
  for (const w of words) {
    const [A, B, C, D] = x;
    const [E, F, G, H] = y;
    const sigma1 = xor(b, rotated(b, E, 6), rotated(b, E, 11), rotated(b, E, 25));
    const sigma0 = xor(b, rotated(b, A, 2), rotated(b, A, 13), rotated(b, A, 22));
    const t = sum(b, H, sigma1, choose(b, E, F, G), w);
    x = [sum(b, t, sigma0, majority(b, A, B, C)), A, B, C];
    y = [b.add(D, t), E, F, G];
  }
  return [x, y];
}

/** Words 1 to 4 of eight. */
const middle = ([, x, y, z]: Four, [w]: Four): Four => [x, y, z, w];

type OnThree = (b: Builder, d: Vec, n: Vec, m: Vec) => Vec;
const sha1 =
  (f: typeof choose): OnThree =>
  (b, d, n, m) =>
    vectorOf(b, sha1Rounds(b, f, four(b, d), b.lane(32, n, 0, false, 32), four(b, m)));

/** SHA256SU1: words 8 to 11 after n, of which the last two need the first two. */
const sha256Schedule: OnThree = (b, d, n, m) => {
  const before = four(b, d);
  const sevenBack = middle(four(b, n), four(b, m));
  const [, , m2, m3] = four(b, m);
  const next = (i: 0 | 1 | 2 | 3, twoBack: Word): Word => {
    const sigma = xor(b, rotated(b, twoBack, 17), rotated(b, twoBack, 19), shifted(b, twoBack, 10));
    return sum(b, sigma, before[i], sevenBack[i]);
  };
  const [w0, w1] = [next(0, m2), next(1, m3)];
  return vectorOf(b, [w0, w1, next(2, w0), next(3, w1)]);
};

interface ThreeRegisters {
  readonly text: string;
  readonly apply: OnThree;
}
const HASH = '<Qd>, <Qn>, <Vm.4s>';
const SCHEDULE = '<Vd.4s>, <Vn.4s>, <Vm.4s>';
const threeRegisters: readonly ThreeRegisters[] = [
  { text: 'sha1c <Qd>, <Sn>, <Vm.4s>', apply: sha1(choose) },
  { text: 'sha1p <Qd>, <Sn>, <Vm.4s>', apply: sha1(parity) },
  { text: 'sha1m <Qd>, <Sn>, <Vm.4s>', apply: sha1(majority) },
  {
    text: `sha1su0 ${SCHEDULE}`,
    apply: (b, d, n, m) => b.vxor(b.vxor(b.extract(d, n, 8), d), m),
  },
  {
    text: `sha256h ${HASH}`,
    apply: (b, d, n, m) => vectorOf(b, sha256Rounds(b, four(b, d), four(b, n), four(b, m))[0]),
  },
  {
    text: `sha256h2 ${HASH}`,
    apply: (b, d, n, m) => vectorOf(b, sha256Rounds(b, four(b, n), four(b, d), four(b, m))[1]),
  },
  { text: `sha256su1 ${SCHEDULE}`, apply: sha256Schedule },
];

const three = row({
  name: 'SHA, three registers',
  encoding: '01011110 00 0 Rm:5 0 opcode:3 00 Rn:5 Rd:5',
  feature: 'crypto',
  gate: 'fp',
  asm: threeRegisters.map(({ text }, opcode) => ({ text, set: { opcode } })),
  split: ['opcode'],
  allocated: (s) => s.opcode < threeRegisters.length,
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(f.Rm) }),
  execute(b, { d, n, m }, { opcode }) {
    const operation = threeRegisters[opcode];
    if (operation !== undefined) b.setV(d, operation.apply(b, b.v(d), b.v(n), b.v(m)));
  },
});

/** SHA1SU1: four words, of which the last needs the first. */
function sha1Schedule(b: Builder, d: Vec, n: Vec): Vec {
  const [x, y, z, last] = four(b, b.vxor(d, b.extract(n, b.vzero(), 4)));
  const [w0, w1, w2, w3] = [x, y, z, last].map((w) => rotated(b, w, 31)) as unknown as Four;
  return vectorOf(b, [w0, w1, w2, b.xor(w3, rotated(b, w0, 31))]);
}

/** SHA256SU0. */
function sha256Schedule0(b: Builder, d: Vec, n: Vec): Vec {
  const before = four(b, d);
  const next = middle(before, four(b, n)).map((w, i) => {
    const sigma = xor(b, rotated(b, w, 7), rotated(b, w, 18), shifted(b, w, 3));
    return b.add(sigma, before[i as 0 | 1 | 2 | 3]);
  });
  return vectorOf(b, next as unknown as Four);
}

const twoRegisters = [
  { text: 'sha1h <Sd>, <Sn>' },
  { text: 'sha1su1 <Vd.4s>, <Vn.4s>', apply: sha1Schedule },
  { text: 'sha256su0 <Vd.4s>, <Vn.4s>', apply: sha256Schedule0 },
] as const;

const two = row({
  name: 'SHA, two registers',
  encoding: '01011110 00 10100 000 opcode:2 10 Rn:5 Rd:5',
  feature: 'crypto',
  gate: 'fp',
  asm: twoRegisters.map(({ text }, opcode) => ({ text, set: { opcode } })),
  split: ['opcode'],
  allocated: (s) => s.opcode < twoRegisters.length,
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, { opcode }) {
    const operation = twoRegisters[opcode as 0 | 1 | 2];
    if ('apply' in operation) b.setV(d, operation.apply(b, b.v(d), b.v(n)));
    else b.setF(d, b.fromBits32(rotated(b, b.lane(32, b.v(n), 0, false, 32), 2)));
  },
});

/** Cryptographic SHA. */
export const shaRows: readonly AnyRow[] = [three, two];
