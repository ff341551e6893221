// Kernel modules: what each needs, as its `.modinfo` section says, and the files that modprobe wants. Debian's packages carry no
// modules.dep: depmod makes it where they are installed.

import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** One module of a kernel. */
export interface KernelModule {
  /** Its name, with `_` for `-`. */
  readonly name: string;
  /** Path below the kernel's modules folder. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

const nameOf = (path: string): string => basename(path).replace(/\.ko$/, '').replaceAll('-', '_');

/** The strings of a module's `.modinfo` section: `depends=`, `alias=`, `softdep=` and others. */
function modinfo(elf: Uint8Array): readonly string[] {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  const offset64 = (at: number): number => Number(view.getBigUint64(at, true));
  const headers = offset64(0x28);
  const size = view.getUint16(0x3a, true);
  const count = view.getUint16(0x3c, true);
  const section = (i: number): { name: number; bytes: Uint8Array } => {
    const at = headers + i * size;
    const from = offset64(at + 0x18);
    return { name: view.getUint32(at, true), bytes: elf.subarray(from, from + offset64(at + 0x20)) };
  };
  const names = section(view.getUint16(0x3e, true)).bytes;
  const decoder = new TextDecoder();
  const text = (bytes: Uint8Array, from: number): string =>
    decoder.decode(bytes.subarray(from, bytes.indexOf(0, from)));
  for (let i = 0; i < count; i++) {
    const { name, bytes } = section(i);
    if (text(names, name) === '.modinfo') return decoder.decode(bytes).split('\0').filter(Boolean);
  }
  return [];
}

const values = (info: readonly string[], key: string): readonly string[] =>
  info.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));

const dependencies = (info: readonly string[]): readonly string[] =>
  values(info, 'depends').flatMap((list) => list.split(',').filter(Boolean));

/** Modules by name and all that they need. Those that the kernel has built in are not files, and are passed over. */
export async function readModules(
  folder: string,
  wanted: readonly string[],
): Promise<readonly KernelModule[]> {
  const files = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith('.ko'));
  const byName = new Map(files.map((path) => [nameOf(path), path]));
  const found = new Map<string, KernelModule>();
  const add = async (name: string): Promise<void> => {
    const path = byName.get(name.replaceAll('-', '_'));
    if (path === undefined || found.has(nameOf(path))) return;
    const bytes = new Uint8Array(await readFile(join(folder, path)));
    for (const other of dependencies(modinfo(bytes))) await add(other);
    found.set(nameOf(path), { name: nameOf(path), path, bytes });
  };
  for (const name of wanted) await add(name);
  return [...found.values()];
}

/** `modules.dep` and `modules.alias` for modprobe. */
export function modprobeFiles(modules: readonly KernelModule[]): {
  readonly dep: string;
  readonly alias: string;
} {
  const byName = new Map(modules.map((m) => [m.name, m]));
  // modprobe loads a line's modules from the last to the first.
  const needs = (m: KernelModule): readonly KernelModule[] => {
    const direct = dependencies(modinfo(m.bytes)).flatMap(
      (name) => byName.get(name.replaceAll('-', '_')) ?? [],
    );
    return [...new Set(direct.flatMap((d) => [d, ...needs(d)]))];
  };
  const dep = modules.map((m) =>
    `${m.path}: ${needs(m)
      .map((d) => d.path)
      .join(' ')}`.trimEnd(),
  );
  const alias = modules.flatMap((m) => values(modinfo(m.bytes), 'alias').map((a) => `alias ${a} ${m.name}`));
  return { dep: `${dep.join('\n')}\n`, alias: `${alias.join('\n')}\n` };
}
