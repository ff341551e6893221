// Address spaces as types: what the bus decodes, what a guest calls physical, what a device puts on its DMA port.
// Physical and intermediate-physical addresses have at most 52 bits (FEAT_LPA), so a double holds them exactly.
// Never use bit operators on them: `>>>` truncates above 4 GiB. `Math.floor(pa / 4096)` is right and costs the same.
// Virtual addresses are 64-bit, tagged and sign-extended: they travel as `Word64`.

declare const space: unique symbol;

/** An unsigned address below 2^52 of one address space; addresses of different spaces do not mix. */
export type Address<Space extends string> = number & { readonly [space]: Space };

/** A physical address: what the bus decodes. */
export type Pa = Address<'pa'>;

/** An intermediate physical address: what a guest calls physical, the input of stage 2. */
export type Ipa = Address<'ipa'>;

/** What a device puts on its DMA port: the input of the SMMU. */
export type Iova = Address<'iova'>;

/** Names a number as a physical address. The caller vouches for `0 <= n < 2^52`. */
export const pa = (n: number): Pa => n as Pa;

/** Names a number as an intermediate physical address. The caller vouches for `0 <= n < 2^52`. */
export const ipa = (n: number): Ipa => n as Ipa;

/** Names a number as a device's address. The caller vouches for `0 <= n < 2^52`. */
export const iova = (n: number): Iova => n as Iova;

/** A width that a register or a bus access has, in bytes. */
export type Width = 1 | 2 | 4;

/** Two unsigned 32-bit halves. As an out-parameter it costs no allocation and no BigInt. */
export interface Word64 {
  /** Bits 31:0, unsigned. */
  lo: number;
  /** Bits 63:32, unsigned. */
  hi: number;
}
