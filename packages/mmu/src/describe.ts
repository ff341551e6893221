// A walk in words, for debuggers and for people who read tables.

import { isDevice } from './attributes.ts';
import type { TranslationControls } from './controls.ts';
import type { WalkPort } from './port.ts';
import { Permission } from './regime.ts';
import { createTranslation, MmuFault } from './translation.ts';
import type { Translation, TranslationRequest } from './translation.ts';
import { createWalker } from './walker.ts';

const FAULT_NAMES: readonly string[] = [
  'no fault',
  'Address size fault',
  'Translation fault',
  'Access flag fault',
  'Permission fault',
  'Alignment fault',
  'External abort on translation table walk',
  'TLB conflict abort',
  'Unsupported atomic hardware update fault',
];

const hex = (n: number): string => `0x${n.toString(16)}`;
const half = (n: number): string => (n >>> 0).toString(16).padStart(8, '0');

/** A fault in the words of the architecture. */
export function describeFault(fault: Translation): string {
  const name = FAULT_NAMES[fault.fault] ?? 'fault';
  const level = fault.fault === MmuFault.Alignment ? '' : `, level ${fault.level}`;
  const stage = fault.stage === 2 ? `, stage 2 at IPA ${hex(fault.ipa)}` : ', stage 1';
  return `${name}${level}${stage}${fault.s1ptw ? ', on a stage 1 table walk' : ''}`;
}

/** Memory attributes in words: `Device-nGnRE`, `Normal WB`, `Normal outer WB, inner NC`. */
export function describeAttributes(attributes: number): string {
  if (isDevice(attributes)) return `Device-${['nGnRnE', 'nGnRE', 'nGRE', 'GRE'][attributes >>> 2] ?? ''}`;
  const outer = cacheability(attributes >>> 4);
  const inner = cacheability(attributes & 15);
  return outer === inner ? `Normal ${outer}` : `Normal outer ${outer}, inner ${inner}`;
}

function cacheability(nibble: number): string {
  if (nibble === 4) return 'NC';
  return nibble & 4 ? 'WB' : 'WT';
}

/** Permissions as `rw- r--`: privileged, then EL0. */
export function describePermissions(permissions: number): string {
  const letters = (from: number): string =>
    ['r', 'w', 'x'].map((letter, i) => (permissions & (from << i) ? letter : '-')).join('');
  return `${letters(Permission.PrivilegedRead)} ${letters(Permission.UnprivilegedRead)}`;
}

/** What a descriptor of a level says, without the permissions that tables above take away. */
export function describeDescriptor(level: number, lo: number, hi: number): string {
  const kind = lo & 3;
  if ((kind & 1) === 0) return 'invalid';
  if (kind === 1 && level === 3) return 'reserved';
  const address = (hi & 0xffff) * 2 ** 32 + ((lo & ~0xfff) >>> 0);
  if (kind === 3 && level < 3) return `table at ${hex(address)}`;
  return `${level === 3 ? 'page' : 'block'} at ${hex(address)}${lo & (1 << 10) ? '' : ', access flag clear'}`;
}

/** One line per descriptor that the translation of a request fetches, and one for its end. */
export function describeWalk(
  controls: TranslationControls,
  port: WalkPort,
  request: TranslationRequest,
): string[] {
  const lines: string[] = [];
  const walker = createWalker(controls, { read64: (pa, out, secure) => port.read64(pa, out, secure) });
  walker.observer = {
    fetched(stage, level, pa, lo, hi) {
      const indent = stage === 2 ? '  ' : '';
      lines.push(
        `${indent}stage ${stage} level ${level}: [${hex(pa)}] = ${half(hi)}_${half(lo)} ${describeDescriptor(level, lo, hi)}`,
      );
    },
  };
  const answer = createTranslation();
  if (!walker.translate({ ...request, noUpdate: true }, answer)) {
    lines.push(describeFault(answer));
    return lines;
  }
  const attributes = describeAttributes(answer.attributes);
  lines.push(`PA ${hex(answer.pa)} ${describePermissions(answer.permissions)} ${attributes}`);
  return lines;
}
