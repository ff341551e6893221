// Whether the host has relaxed SIMD whose multiply-add rounds once (WebAssembly Relaxed SIMD: it may round once or twice).

import { Code } from './code.ts';
import { encodeModule } from './module.ts';
import type { TypeName } from './opcodes.ts';

type Fused = (n: number, m: number, a: number) => number;

/** Emits `n` * `m` + `a`, whose scalars the three functions push. */
export function hostFused(
  code: Code,
  type: 'f32' | 'f64',
  n: () => void,
  m: () => void,
  a: () => void,
): void {
  const shape = type === 'f64' ? 'f64x2' : 'f32x4';
  for (const push of [n, m, a]) {
    push();
    code.op(`${shape}_splat`);
  }
  code.op(`${shape}_relaxed_madd`);
  code.lane(`${shape}_extract_lane`, 0);
}

function functionOf(type: 'f32' | 'f64'): Parameters<typeof encodeModule>[0][number] {
  const parameters: TypeName[] = [type, type, type];
  const code = new Code(undefined, parameters);
  const get = (local: number) => () => {
    code.get(local);
  };
  hostFused(code, type, get(0), get(1), get(2));
  return { name: type, type: { parameters, results: [type] }, body: code.finish() };
}

/** `n`, `m`, `a`, and what rounding once gives. */
const doubles: readonly (readonly [number, number, number, number])[] = [
  [1 + 2 ** -30, 1 - 2 ** -30, -1, -(2 ** -60)],
  [1 + 2 ** -52, 1 + 2 ** -52, 2 ** -53, 1 + 2 ** -51 + 2 ** -52],
  [2 ** 1000, 2 ** 24, -(2 ** 1023), 2 ** 1023],
  [2 ** -53, 1 - 2 ** -53, 1 + 2 ** -52, 1 + 2 ** -52],
  [-0, 1, -0, -0],
  [3, 5, -15, 0],
];
const singles: readonly (readonly [number, number, number, number])[] = [
  [1 + 2 ** -13, 1 - 2 ** -13, -1, -(2 ** -26)],
  [1 + 2 ** -23, 1 + 2 ** -23, 2 ** -24, 1 + 2 ** -22 + 2 ** -23],
  [2 ** 100, 2 ** 28, -(2 ** 127), 2 ** 127],
  // By way of a double this would be rounded to a tie, and then up.
  [2 ** -24 * (1 + 2 ** -20), 1 - 2 ** -20, 1 + 2 ** -23, 1 + 2 ** -23],
  [-0, 1, -0, -0],
  [3, 5, -15, 0],
];

/** True if relaxed multiply-adds can be had and passed hard cases. `memory` is not accessed. */
export function hostFuses(memory: WebAssembly.Memory): boolean {
  const bytes = encodeModule([functionOf('f64'), functionOf('f32')]);
  if (!WebAssembly.validate(bytes)) return false;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const passes = (name: string, table: typeof doubles): boolean =>
    table.every(([n, m, a, r]) => Object.is((exports[name] as Fused)(n, m, a), r));
  return passes('f64', doubles) && passes('f32', singles);
}
