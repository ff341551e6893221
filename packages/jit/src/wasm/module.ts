// A module that imports one memory and exports functions without parameters that return an i32 (WebAssembly Core 2.0, 5.5).

import { Code } from './code.ts';
import { Type } from './opcodes.ts';

/** One function. */
export interface ModuleFunction {
  /** Name of the export; a function without one is only called. */
  readonly name?: string;
  /** From `Code.finish`. */
  readonly body: Uint8Array;
}

/** Encodes the module. The memory is imported as `env.memory`. */
export function encodeModule(functions: readonly ModuleFunction[]): Uint8Array<ArrayBuffer> {
  const out = new Code();
  for (const b of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(b);
  section(out, 1, (s) => {
    s.unsigned(1);
    for (const b of [0x60, 0, 1, Type.i32]) s.byte(b);
  });
  section(out, 2, (s) => {
    s.unsigned(1);
    name(s, 'env');
    name(s, 'memory');
    for (const b of [2, 0, 1]) s.byte(b);
  });
  section(out, 3, (s) => {
    s.unsigned(functions.length);
    functions.forEach(() => {
      s.unsigned(0);
    });
  });
  section(out, 7, (s) => {
    s.unsigned(functions.filter((f) => f.name !== undefined).length);
    for (const [i, f] of functions.entries()) {
      if (f.name === undefined) continue;
      name(s, f.name);
      s.byte(0);
      s.unsigned(i);
    }
  });
  section(out, 10, (s) => {
    s.unsigned(functions.length);
    for (const f of functions) {
      s.unsigned(f.body.length);
      s.append(f.body);
    }
  });
  return new Uint8Array(out.since(0));
}

function section(out: Code, id: number, fill: (s: Code) => void): void {
  const content = new Code();
  fill(content);
  const bytes = content.since(0);
  out.byte(id);
  out.unsigned(bytes.length);
  out.append(bytes);
}

function name(s: Code, text: string): void {
  s.unsigned(text.length);
  for (const c of text) s.byte(c.charCodeAt(0));
}
