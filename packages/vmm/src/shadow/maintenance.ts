// The guest's TLB maintenance: what each operation names (DDI 0487 D8.17, C5.5).

/** What an operation invalidates. */
export interface Maintenance {
  readonly scope: 'all' | 'asid' | 'address';
  /** -1 where it is of all ASIDs. */
  readonly asid: number;
  readonly upper: boolean;
  /** Address in the half, of 48 bits. */
  readonly offset: number;
}

const NAMES: Readonly<Record<string, { readonly scope: Maintenance['scope']; readonly anyAsid?: true }>> = {
  VMALLE1: { scope: 'all' },
  ASIDE1: { scope: 'asid' },
  VAE1: { scope: 'address' },
  VALE1: { scope: 'address' },
  VAAE1: { scope: 'address', anyAsid: true },
  VAALE1: { scope: 'address', anyAsid: true },
};

/**
 * What an operation of EL1 names, by its name without `TLBI`, or undefined where it is none of EL1's. Those of the Inner and Outer
 * Shareable domain do what those of one CPU do: the shadow is one for all CPUs of the VM.
 *
 * @param wide - ASIDs have 16 bits: TCR_EL1.AS
 */
export function maintenanceOf(name: string, lo: number, hi: number, wide: boolean): Maintenance | undefined {
  const found = NAMES[name.toUpperCase().replace(/(IS|OS)$/, '')];
  if (found === undefined) return undefined;
  const asid = found.anyAsid === true ? -1 : (hi >>> 16) & (wide ? 0xffff : 0xff);
  // Xt has VA[55:12] in bits 43:0.
  const offset = ((hi & 0xf) * 2 ** 32 + (lo >>> 0)) * 4096;
  return { scope: found.scope, asid, upper: (hi & 0x800) !== 0, offset };
}
