// @worldswitch/platform: the contracts through which the parts meet. Interfaces, a few constants, and helpers
// that devices use: state codecs, register tables, surroundings for trying one out. No imports.

export * from './address.ts';
export * from './alone.ts';
export * from './bus.ts';
export * from './codec.ts';
export * from './cost.ts';
export * from './cpu.ts';
export * from './device.ts';
export * from './registers.ts';
export * from './software.ts';
export * from './state.ts';
export * from './time.ts';
export * from './trace.ts';
