// The control register of the virtual CPU interface: what GICH_HCR and ICH_HCR_EL2 have in common (IHI 0048B 5.3.1; IHI 0069 12.4.6).

/** Bits of GICH_HCR and ICH_HCR_EL2. The maintenance status registers have the causes in the order of the enables, with EOI in the place of En. */
export const HypervisorControl = {
  En: 0x1,
  UIE: 0x2,
  LRENPIE: 0x4,
  NPIE: 0x8,
  VGrp0EIE: 0x10,
  VGrp0DIE: 0x20,
  VGrp1EIE: 0x40,
  VGrp1DIE: 0x80,
} as const;
