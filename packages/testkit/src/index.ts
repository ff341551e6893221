// @worldswitch/testkit: what every device must pass, and a bench to test devices on.

export { requester } from '@worldswitch/platform';

export { bench } from './bench.ts';
export type { Bench, BenchStart } from './bench.ts';
export { benchClock } from './clock.ts';
export type { BenchClock } from './clock.ts';
export { conformance } from './conformance.ts';
export type { Check } from './conformance.ts';
export { random } from './random.ts';
export type { Random } from './random.ts';
export type { Subject, TypeOf } from './subject.ts';
