// Making descriptors: what permissions and attributes look like in them (DDI 0487 D8.3).

import { WORD } from './bits.ts';
import { Permission } from './regime.ts';

/** What a mapping says beyond addresses. */
export interface MapAttributes {
  /** Stage 1: the MAIR_ELx field. 0 to 7; 0 unless given. */
  readonly index?: number;
  /** Stage 2: MemAttr. 15 (Normal, Write-Back) unless given. */
  readonly memAttr?: number;
  /** 0 Non-shareable, 2 Outer, 3 Inner; 3 unless given. */
  readonly shareability?: number;
  /** Stage 1 with ASIDs: false sets nG. True unless given. */
  readonly global?: boolean;
  /** False leaves the access flag clear. True unless given. */
  readonly accessed?: boolean;
  /** The Contiguous bit. */
  readonly contiguous?: boolean;
  /** Bits to set besides, such as those for software: 31:0. */
  readonly extraLo?: number;
  /** The same, bits 63:32. */
  readonly extraHi?: number;
}

/** How the descriptors of a set of tables look. */
export type DescriptorFormat = 'two-ranges' | 'one-range' | 'stage-2' | 'stage-2-xnx';

/** A descriptor as halves. */
export interface Descriptor {
  readonly lo: number;
  readonly hi: number;
}

const { PrivilegedRead, PrivilegedWrite, PrivilegedExecute } = Permission;
const { UnprivilegedRead, UnprivilegedWrite, UnprivilegedExecute } = Permission;

/**
 * A block or page descriptor.
 *
 * @param permissions - `Permission` bits that the mapping shall give
 * @throws RangeError where the architecture cannot express the permissions
 */
export function leafDescriptor(
  format: DescriptorFormat,
  page: boolean,
  pa: number,
  permissions: number,
  attributes: MapAttributes,
): Descriptor {
  const stage2 = format === 'stage-2' || format === 'stage-2-xnx';
  const type = stage2 ? (attributes.memAttr ?? 15) << 2 : (attributes.index ?? 0) << 2;
  let lo = (page ? 3 : 1) | type | ((attributes.shareability ?? 3) << 8) | (attributes.extraLo ?? 0);
  let hi = attributes.extraHi ?? 0;
  if (attributes.accessed !== false) lo |= 1 << 10;
  if (attributes.contiguous === true) hi |= 1 << 20;
  if (format === 'two-ranges' && attributes.global === false) lo |= 1 << 11;
  const access = stage2
    ? stage2Access(permissions, format === 'stage-2-xnx')
    : stage1Access(permissions, format);
  return withAddress((lo | access.lo) >>> 0, (hi | access.hi) >>> 0, pa);
}

/** A table descriptor. */
export function tableDescriptor(pa: number): Descriptor {
  return withAddress(3, 0, pa);
}

/** The descriptor of a part of a block, one level down: `offset` bytes into it. */
export function splitDescriptor(block: Descriptor, page: boolean, offset: number): Descriptor {
  // The offset's bits are zero in the block's address.
  const lo = block.lo | (offset % WORD) | (page ? 2 : 0);
  return { lo: lo >>> 0, hi: (block.hi | Math.floor(offset / WORD)) >>> 0 };
}

function withAddress(lo: number, hi: number, pa: number): Descriptor {
  // Bits 51:48 go where FEAT_LPA has them: 15:12, which the 64 KiB granule leaves free.
  const top = Math.floor(pa / 2 ** 48);
  const low = pa % 2 ** 48;
  return { lo: (lo | (low % WORD) | (top << 12)) >>> 0, hi: (hi | Math.floor(low / WORD)) >>> 0 };
}

/** AP, UXN (XN) and PXN. */
function stage1Access(permissions: number, format: DescriptorFormat): Descriptor {
  const has = (bit: number): boolean => (permissions & bit) !== 0;
  if (!has(PrivilegedRead)) throw new RangeError('stage 1 cannot forbid privileged reads');
  const readOnly = !has(PrivilegedWrite);
  let lo = readOnly ? 1 << 7 : 0;
  if (format === 'one-range') {
    if (permissions & (UnprivilegedRead | UnprivilegedWrite | UnprivilegedExecute)) {
      throw new RangeError('a regime without EL0 has no unprivileged permissions');
    }
    // AP[1] is RES1.
    lo |= 1 << 6;
    return { lo, hi: has(PrivilegedExecute) ? 0 : 1 << 22 };
  }
  if (has(UnprivilegedWrite) !== (has(UnprivilegedRead) && !readOnly)) {
    throw new RangeError('EL0 may write exactly what it may read and EL1 may write');
  }
  if (has(UnprivilegedWrite) && has(PrivilegedExecute)) {
    throw new RangeError('EL1 cannot execute what EL0 may write');
  }
  if (has(UnprivilegedRead)) lo |= 1 << 6;
  return { lo, hi: (has(UnprivilegedExecute) ? 0 : 1 << 22) | (has(PrivilegedExecute) ? 0 : 1 << 21) };
}

/** S2AP and XN. */
function stage2Access(permissions: number, xnx: boolean): Descriptor {
  const has = (bit: number): boolean => (permissions & bit) !== 0;
  const alike =
    has(PrivilegedRead) === has(UnprivilegedRead) && has(PrivilegedWrite) === has(UnprivilegedWrite);
  if (!alike) throw new RangeError('stage 2 gives EL1 and EL0 the same data permissions');
  const px = has(PrivilegedExecute);
  const ux = has(UnprivilegedExecute);
  if (!xnx && px !== ux) throw new RangeError('stage 2 without FEAT_XNX lets EL1 and EL0 execute alike');
  const lo = (has(PrivilegedRead) ? 1 << 6 : 0) | (has(PrivilegedWrite) ? 1 << 7 : 0);
  const xn = px ? (ux ? 0 : 3) : ux ? 1 : 2;
  return { lo, hi: xn << 21 };
}
