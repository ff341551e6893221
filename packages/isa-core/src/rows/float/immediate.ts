// The 8-bit floating-point immediate (DDI 0487 J1, shared/functions/float: VFPExpandImm): sign, 3 bits of exponent, 4 of fraction.

/** The upper 16 bits of a double that an immediate stands for; the other bits are zero. */
const topOfDouble = (imm8: number): number => {
  const exponent = (imm8 & 0x40) !== 0 ? 0x3fc : 0x400;
  return ((imm8 & 0x80) << 8) | ((exponent | ((imm8 >> 4) & 3)) << 4) | (imm8 & 0xf);
};

/** Bits 63:32 of the double; bits 31:0 are zero. */
export const expandToDouble = (imm8: number): number => topOfDouble(imm8) << 16;

/** The bits of the single. */
export const expandToSingle = (imm8: number): number => {
  const exponent = (imm8 & 0x40) !== 0 ? 0x7c : 0x80;
  return ((imm8 & 0x80) << 24) | ((exponent | ((imm8 >> 4) & 3)) << 23) | ((imm8 & 0xf) << 19);
};

/** The number that an immediate stands for. */
export const immediateValue = (imm8: number): number => {
  const exponent = (((imm8 >> 4) & 7) ^ 4) - 3;
  return (imm8 & 0x80 ? -1 : 1) * (1 + (imm8 & 0xf) / 16) * 2 ** exponent;
};
