// Modules: functions of any type, imports of one memory and of functions, exports (WebAssembly Core 2.0, 5.5).

import { Code } from './code.ts';
import type { Fragment } from './code.ts';
import { Type } from './opcodes.ts';
import type { TypeName } from './opcodes.ts';

/** The type of a function. */
export interface FunctionType {
  readonly parameters: readonly TypeName[];
  readonly results: readonly TypeName[];
}

/** No parameters, and an i32. */
const plainType: FunctionType = { parameters: [], results: ['i32'] };

/** One function. */
export interface ModuleFunction {
  /** Name of the export; a function without one is only called. */
  readonly name?: string;
  /** `plainType` unless given. */
  readonly type?: FunctionType;
  /** From `Code.finish`. */
  readonly body: Fragment;
}

/** A function that is imported, as a field of `env`. */
export interface ImportedFunction {
  readonly name: string;
  readonly type: FunctionType;
}

/** What a module has besides its functions. The index of a function counts the imported ones first. */
export interface ModuleOptions {
  readonly imports?: readonly ImportedFunction[];
  /** Types without a function of their own, for `call_indirect`: they have the numbers after those of all functions. */
  readonly types?: readonly FunctionType[];
  /** Elements of a table of functions that is exported as `table`. */
  readonly table?: number;
}

/** Encodes the module. The memory is imported as `env.memory`. */
export function encodeModule(
  functions: readonly ModuleFunction[],
  options: ModuleOptions = {},
): Uint8Array<ArrayBuffer> {
  const { imports = [], types = [], table } = options;
  const all = [...imports.map((f) => f.type), ...functions.map((f) => f.type ?? plainType), ...types];
  const out = new Code();
  for (const b of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(b);
  typeSection(out, all);
  section(out, 2, (s) => {
    s.unsigned(1 + imports.length);
    name(s, 'env');
    name(s, 'memory');
    for (const b of [2, 0, 1]) s.byte(b);
    for (const [i, f] of imports.entries()) {
      name(s, 'env');
      name(s, f.name);
      s.byte(0);
      s.unsigned(i);
    }
  });
  section(out, 3, (s) => {
    s.unsigned(functions.length);
    functions.forEach((_, i) => {
      s.unsigned(imports.length + i);
    });
  });
  if (table !== undefined) {
    section(out, 4, (s) => {
      for (const b of [1, 0x70, 0]) s.byte(b);
      s.unsigned(table);
    });
  }
  exportSection(out, functions, imports.length, table !== undefined);
  hintSection(out, functions, imports.length);
  section(out, 10, (s) => {
    s.unsigned(functions.length);
    for (const { body } of functions) {
      s.unsigned(body.bytes.length);
      s.append(body.bytes);
    }
  });
  return new Uint8Array(out.since(0));
}

function typeSection(out: Code, types: readonly FunctionType[]): void {
  section(out, 1, (s) => {
    s.unsigned(types.length);
    for (const { parameters, results } of types) {
      s.byte(0x60);
      for (const list of [parameters, results]) {
        s.unsigned(list.length);
        for (const t of list) s.byte(Type[t]);
      }
    }
  });
}

function exportSection(
  out: Code,
  functions: readonly ModuleFunction[],
  imported: number,
  table: boolean,
): void {
  section(out, 7, (s) => {
    s.unsigned(functions.filter((f) => f.name !== undefined).length + (table ? 1 : 0));
    if (table) {
      name(s, 'table');
      for (const b of [1, 0]) s.byte(b);
    }
    for (const [i, f] of functions.entries()) {
      if (f.name === undefined) continue;
      name(s, f.name);
      s.byte(0);
      s.unsigned(imported + i);
    }
  });
}

/** Branches that are seldom taken, for hosts that want to know (WebAssembly Branch Hinting): others pass over the section. */
function hintSection(out: Code, functions: readonly ModuleFunction[], imported: number): void {
  const hinted = [...functions.entries()].filter(([, f]) => f.body.seldom.length > 0);
  if (hinted.length === 0) return;
  section(out, 0, (s) => {
    name(s, 'metadata.code.branch_hint');
    s.unsigned(hinted.length);
    for (const [i, { body }] of hinted) {
      s.unsigned(imported + i);
      s.unsigned(body.seldom.length);
      for (const at of body.seldom) {
        s.unsigned(at);
        for (const b of [1, 0]) s.byte(b);
      }
    }
  });
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
