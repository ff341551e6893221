// @worldswitch/platform: the contracts through which the parts meet. Interfaces, a few constants, and two helpers
// that every device uses: state codecs and register tables. No imports.

export * from './address.ts';
export * from './bus.ts';
export * from './codec.ts';
export * from './cpu.ts';
export * from './device.ts';
export * from './registers.ts';
export * from './software.ts';
export * from './state.ts';
export * from './time.ts';
export * from './trace.ts';
