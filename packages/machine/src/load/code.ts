// Where a kernel's instructions are: an ELF file says it by its mapping symbols (AAELF64 5.5.4: `$x` begins code and `$d` data), or else
// by which sections are executable; an Image by its PE header, if it has one, and by nothing otherwise.

import type { Segment } from './image.ts';

/** A range of physical addresses. */
export interface CodeRange {
  readonly at: number;
  readonly size: number;
}

/** Where instructions are. */
export interface KernelCode {
  readonly ranges: readonly CodeRange[];
  /** False where data may be among them: what is said is where code can be, and not more. */
  readonly exact: boolean;
}

const SHF_EXECINSTR = 4;
const SHT_SYMTAB = 2;
const PE_EXECUTABLE = 0x2000_0000;
const MOST_SECTIONS = 4096;

interface Section {
  readonly type: number;
  readonly executable: boolean;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

const wordOf = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;

/** An address: those of the upper half are negative, as numbers have 53 bits. */
export const addressOf = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getInt32(at + 4, true) * 2 ** 32;

function sectionsOf(view: DataView): readonly Section[] {
  const headers = wordOf(view, 40);
  const [size, count] = [view.getUint16(58, true), view.getUint16(60, true)];
  if (size < 64 || count > MOST_SECTIONS || headers + size * count > view.byteLength) return [];
  return Array.from({ length: count }, (_, i) => {
    const at = headers + i * size;
    return {
      type: view.getUint32(at + 4, true),
      executable: (wordOf(view, at + 8) & SHF_EXECINSTR) !== 0,
      address: addressOf(view, at + 16),
      offset: wordOf(view, at + 24),
      size: wordOf(view, at + 32),
      link: view.getUint32(at + 40, true),
    };
  });
}

/** The mapping symbols: address, and whether code begins there. */
function mappingSymbols(view: DataView, sections: readonly Section[]): (readonly [number, boolean])[] {
  const found: (readonly [number, boolean])[] = [];
  for (const { type, offset, size, link } of sections) {
    const names = sections[link];
    if (type !== SHT_SYMTAB || names === undefined || offset + size > view.byteLength) continue;
    for (let at = offset; at + 24 <= offset + size; at += 24) {
      const name = names.offset + view.getUint32(at, true);
      if (name + 3 > view.byteLength || view.getUint8(name) !== 0x24) continue;
      const kind = view.getUint8(name + 1);
      const end = view.getUint8(name + 2);
      if ((end !== 0 && end !== 0x2e) || (kind !== 0x78 && kind !== 0x64)) continue;
      found.push([addressOf(view, at + 8), kind === 0x78]);
    }
  }
  // Where both are at one address, nothing is between them: what comes last in the file counts.
  return found.sort((a, b) => a[0] - b[0]);
}

/**
 * Where an ELF file's instructions are.
 *
 * @param physical - the physical address of a virtual one, or -1 where nothing is loaded
 */
export function elfCode(view: DataView, physical: (virtual: number) => number): KernelCode | undefined {
  const sections = sectionsOf(view);
  const symbols = mappingSymbols(view, sections);
  const ranges: CodeRange[] = [];
  let exact = true;
  const add = (from: number, to: number): void => {
    const at = physical(from);
    if (to > from && at >= 0) ranges.push({ at, size: to - from });
  };
  for (const { executable, address, size } of sections) {
    if (!executable || size === 0) continue;
    const end = address + size;
    const own = symbols.filter(([at]) => at >= address && at < end);
    if (own.length === 0) {
      exact = false;
      add(address, end);
    }
    own.forEach(([at, isCode], i) => {
      if (isCode) add(at, own[i + 1]?.[0] ?? end);
    });
  }
  return ranges.length === 0 ? undefined : { ranges, exact };
}

/** Where an Image's instructions can be: in the executable sections of its PE header, which have constants among them. */
export function imageCode(bytes: Uint8Array, view: DataView, at: number): KernelCode {
  const whole = { ranges: [{ at, size: bytes.length & ~3 }], exact: false };
  if (view.getUint16(0, true) !== 0x5a4d) return whole;
  const pe = view.getUint32(60, true);
  if (pe + 24 > bytes.length) return whole;
  const table = pe + 24 + view.getUint16(pe + 20, true);
  const ranges: CodeRange[] = [];
  for (
    let i = 0, from = table;
    i < view.getUint16(pe + 6, true) && from + 40 <= bytes.length;
    i++, from += 40
  ) {
    if ((view.getUint32(from + 36, true) & PE_EXECUTABLE) === 0) continue;
    const [size, start] = [view.getUint32(from + 16, true), view.getUint32(from + 20, true)];
    if (start % 4 === 0 && start + size <= bytes.length) ranges.push({ at: at + start, size: size & ~3 });
  }
  return ranges.length === 0 ? whole : { ranges, exact: false };
}

/** Where the addresses of segments are, by their virtual addresses. */
export const physicalOf =
  (segments: readonly (Pick<Segment, 'at' | 'size'> & { readonly virtual: number })[]) =>
  (virtual: number): number => {
    const found = segments.find((s) => virtual >= s.virtual && virtual < s.virtual + s.size);
    return found === undefined ? -1 : virtual - found.virtual + found.at;
  };
