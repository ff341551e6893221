// Sensitive instructions in line: what the guest's kernel does often, on the page of virtual registers and without an exit. A
// sequence leaves flags alone, and every register as the instruction itself would; `Phase` says how to get out of it anywhere.

import type { UnitWriter } from './draft.ts';
import { Call } from './draft.ts';
import { Phase } from './phase.ts';
import { StatePage, TABLE_BITS, TABLE_BYTES } from './state-page.ts';
import type { PageRegister } from './state-page.ts';

const I_MASK_BIT = 7;
const F_MASK_BIT = 6;
/** The branch to a landing. */
export const BR_X16 = 0xd61f_0200;

/** X16 has the page's address, TPIDR_EL0 keeps the guest's. */
function open(to: UnitWriter): void {
  to.add('msr tpidr_el0, x16');
  to.phase = 16;
  to.add('mrs x16, tpidrro_el0');
}

/** The page keeps X17. */
function openTwo(to: UnitWriter): void {
  open(to);
  to.add(`str x17, [x16, #${String(StatePage.X17)}]`);
  to.phase |= Phase.X17;
}

/** The guest's registers back from the page. */
function close(to: UnitWriter): void {
  if ((to.phase & Phase.X17) !== 0) {
    to.add(`ldr x17, [x16, #${String(StatePage.X17)}]`);
    to.phase &= ~Phase.X17;
  }
  to.add('mrs x16, tpidr_el0');
  to.phase = Phase.CLEAN;
}

/** A register of the page, in 64 or 32 bits. */
export function readPage(to: UnitWriter, register: number, offset: number, wide: boolean): void {
  if (register === 31) {
    to.add('nop');
    return;
  }
  const t = String(register);
  to.add(`msr tpidr_el0, x${t}`);
  to.phase = register;
  to.add(`mrs x${t}, tpidrro_el0`, `ldr ${wide ? 'x' : 'w'}${t}, [x${t}, #${String(offset)}]`);
  to.phase = Phase.CLEAN;
}

/** MSR to a register of the page. */
export function writePage(to: UnitWriter, register: number, { offset, narrow }: PageRegister): void {
  const width = narrow ? 'w' : 'x';
  if (register === 16) {
    // The page's address in X17 instead.
    to.add('msr tpidr_el0, x17');
    to.phase = 17;
    to.add('mrs x17, tpidrro_el0', `str ${width}16, [x17, #${String(offset)}]`);
    to.phase |= Phase.DONE;
    to.add('mrs x17, tpidr_el0');
  } else {
    open(to);
    to.add(`str ${width}${register === 31 ? 'zr' : String(register)}, [x16, #${String(offset)}]`);
    to.phase |= Phase.DONE;
    to.add('mrs x16, tpidr_el0');
  }
  to.phase = Phase.CLEAN;
}

/** The page's DAIF is X17: where the guest's interrupts are not masked and one waits, the hypervisor is called. */
function commitMask(to: UnitWriter, mayUnmask: boolean): void {
  to.add(`str w17, [x16, #${String(StatePage.DAIF)}]`);
  to.phase |= Phase.DONE;
  if (!mayUnmask) return;
  const unmasked = to.hole();
  const masked = to.hole();
  // TBZ W17, #7: IRQs are not masked; TBNZ W17, #6: FIQs are.
  to.land(unmasked, 0x3600_0000 | (I_MASK_BIT << 19) | 17);
  to.add(`ldr w17, [x16, #${String(StatePage.PENDING)}]`);
  const none = to.hole();
  to.call(Call.PENDING);
  to.land(masked, 0x3700_0000 | (F_MASK_BIT << 19) | 17);
  // CBZ W17.
  to.land(none, 0x3400_0000 | 17);
}

/** MSR DAIFSet and DAIFClr. */
export function changeMask(to: UnitWriter, bits: number, clear: boolean): void {
  if (bits === 0) {
    to.add('nop');
    return;
  }
  openTwo(to);
  to.add(`ldr w17, [x16, #${String(StatePage.DAIF)}]`);
  // One bit after the other: not every mask of four bits is an immediate.
  for (let bit = 0; bit < 4; bit++)
    if (((bits >> bit) & 1) !== 0) {
      const mask = 0x40 << bit;
      to.add(
        clear ? `and w17, w17, #0x${(~mask >>> 0).toString(16)}` : `orr w17, w17, #0x${mask.toString(16)}`,
      );
    }
  commitMask(to, clear && (bits & 3) !== 0);
  close(to);
}

/** MSR DAIF. */
export function writeMask(to: UnitWriter, register: number): void {
  openTwo(to);
  if (register === 31) to.add('mov w17, wzr');
  else if (register === 16) to.add('mrs x17, tpidr_el0', 'and w17, w17, #0x3c0');
  else to.add(`and w17, w${String(register)}, #0x3c0`);
  commitMask(to, true);
  close(to);
}

/** The entry of the table for an address is in X17; `source` may be X17 itself. */
function entryOf(to: UnitWriter, source: string, context: number): void {
  to.add(`eor x17, ${source}, ${source}, lsr #${String(TABLE_BITS)}`);
  to.add(`ubfx x17, x17, #2, #${String(TABLE_BITS)}`, 'add x17, x16, x17, lsl #4');
  // Tables of whole pages.
  if (context > 0) to.add(`add x17, x17, #${String((context * TABLE_BYTES) / 0x1000)}, lsl #12`);
}

/** Goes to what the entry names: X16 has its address, and the page has X17. */
function goThere(to: UnitWriter, link: number | undefined): void {
  to.add(`mrs x17, tpidrro_el0`, `ldr x17, [x17, #${String(StatePage.X17)}]`);
  to.phase = 16;
  if (link !== undefined) to.constant(30, link);
  // Whoever stops here is where X16 points.
  to.phase |= Phase.DONE;
  to.word(BR_X16);
}

/**
 * BR, BLR and RET: the target is looked for in the table. The landing of the unit that is found puts X16 back.
 *
 * @param link - what X30 becomes, for BLR
 * @param context - whose table
 */
export function branchIndirect(
  to: UnitWriter,
  register: number,
  link: number | undefined,
  context: number,
): void {
  openTwo(to);
  const scratch = register === 16 || register === 17 || register === 31;
  const target = scratch ? 'x15' : `x${String(register)}`;
  if (scratch) {
    to.add(`str x15, [x16, #${String(StatePage.X15)}]`);
    to.phase |= Phase.X15;
    to.add(register === 16 ? 'mrs x15, tpidr_el0' : `mov x15, ${register === 31 ? 'xzr' : 'x17'}`);
  }
  entryOf(to, target, context);
  to.add(`ldr x16, [x17, #${String(StatePage.TABLE)}]`, `eor x16, x16, ${target}`);
  const miss = to.hole();
  to.add(`ldr x16, [x17, #${String(StatePage.TABLE + 8)}]`);
  const atMiss = to.phase;
  if (scratch) {
    to.add('mrs x17, tpidrro_el0', `ldr x15, [x17, #${String(StatePage.X15)}]`);
    to.phase &= ~Phase.X15;
  }
  goThere(to, link);
  to.phase = atMiss;
  // CBNZ X16.
  to.land(miss, 0xb500_0000 | 16);
  to.call(Call.INDIRECT);
  to.phase = Phase.CLEAN;
}

/** LDTR or STTR of an address in the lower half; the hypervisor does those in the upper. */
export function unprivileged(to: UnitWriter, word: number): void {
  const base = (word >>> 5) & 31;
  const offset = (((word >>> 12) & 0x1ff) << 23) >> 23;
  const from = base === 31 ? 'sp' : `x${String(base)}`;
  to.add('msr tpidr_el0, x16');
  to.phase = 16;
  to.add(offset < 0 ? `sub x16, ${from}, #${String(-offset)}` : `add x16, ${from}, #${String(offset)}`);
  const lower = to.hole();
  to.call(Call.EMULATE);
  // TBZ X16, #55.
  to.land(lower, (0xb600_0000 | ((55 - 32) << 19) | 16) >>> 0);
  to.add('mrs x16, tpidr_el0');
  to.phase = Phase.CLEAN;
  to.word(word);
}

/** A load of a literal: at the address that it has in the guest's text. */
export function loadLiteral(to: UnitWriter, load: string, register: number, address: number): void {
  const scratch = load.endsWith('$') && register !== 31 ? register : 16;
  const into = load.endsWith('$') ? String(register) : '';
  to.add(`msr tpidr_el0, x${String(scratch)}`);
  to.phase = scratch;
  to.constant(scratch, address);
  to.add(`${load.replace('$', into)}, [x${String(scratch)}]`.replace(/([xw])31\b/, '$1zr'));
  if (scratch === 16 && !(load.endsWith('$') && register === 16)) {
    to.phase |= Phase.DONE;
    to.add('mrs x16, tpidr_el0');
  }
  to.phase = Phase.CLEAN;
}

/** IC IVAU: a page is flushed line by line, and the hypervisor need not know of each. */
export function invalidateLine(to: UnitWriter, word: number): void {
  const register = word & 31;
  openTwo(to);
  if (register === 31) to.add('mov x17, xzr');
  else if (register === 16) to.add('mrs x17, tpidr_el0');
  else if (register !== 17) to.add(`mov x17, x${String(register)}`);
  to.add('lsr x17, x17, #12', `ldr x16, [x16, #${String(StatePage.FLUSHED)}]`, 'eor x16, x16, x17');
  const same = to.hole();
  to.call(Call.EMULATE);
  // CBZ X16.
  to.land(same, 0xb400_0000 | 16);
  to.add('mrs x16, tpidrro_el0');
  close(to);
  to.word(word);
}

/** TLBI of an address: where nothing is known of it, nothing is forgotten. */
export function invalidateEntry(to: UnitWriter, word: number): void {
  const register = word & 31;
  openTwo(to);
  if (register === 16) to.add('mrs x17, tpidr_el0');
  to.add(`ubfx x17, ${register === 31 ? 'xzr' : `x${String(register === 16 ? 17 : register)}`}, #0, #44`);
  to.add(`ldr x16, [x16, #${String(StatePage.UNSHADOWED)}]`, 'eor x16, x16, x17');
  const same = to.hole();
  to.call(Call.EMULATE);
  // CBZ X16.
  to.land(same, 0xb400_0000 | 16);
  to.add('mrs x16, tpidrro_el0');
  close(to);
}
