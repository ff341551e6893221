// @worldswitch/jit: the fast engine. The table of contents:
//
// - `createInterpreter` makes the engine of one CPU; `cpuHost` makes an isa-core CPU what it asks for;
// - `emit/` turns the semantics of an instruction into WebAssembly, `interpreter/` makes loops of that and runs them,
//   `hot/` makes functions of regions that are worth it, `wasm/` writes modules.

export { cpuHost } from './cpu-host.ts';
export type { EngineCount } from './hot/counters.ts';
export type { FastMapping, HostListener, InterpreterHost, Refusal } from './host.ts';
export type { HotOptions } from './hot/tier.ts';
export type { Shortfall } from './interpreter/build.ts';
export { interpreterBytes } from './interpreter/bytes.ts';
export { createInterpreter } from './interpreter/engine.ts';
export { fastTlbSizes } from './interpreter/options.ts';
export type { Interpreter, InterpreterCounters, InterpreterOptions } from './interpreter/options.ts';
