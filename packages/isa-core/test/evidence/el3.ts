// What the image `el3` shows of registers and system instructions: its cases, on the boards with GICv2 and with GICv3.

import { casesOfImage, pattern, textOf } from './sources.ts';

const cases: ReadonlySet<string> = new Set(
  [2, 3].flatMap((gic) => casesOfImage(textOf(`guests/el3/expected/qemu-el3-gicv${String(gic)}.txt`))),
);

/** Fields, where `*` stands for any name, and the cases that show them. */
const shown: readonly { readonly fields: readonly string[]; readonly cases: readonly string[] }[] = [
  { fields: ['SCR_EL3.NS'], cases: ['memory/*', 'tlb/*-then-*'] },
  { fields: ['SCR_EL3.IRQ'], cases: ['interrupt/irq*', 'gicv3/*-irq/*', 'icc/*-irq/*'] },
  { fields: ['SCR_EL3.FIQ'], cases: ['interrupt/fiq*', 'gicv3/*-fiq/*', 'icc/*-fiq/*'] },
  { fields: ['SCR_EL3.EA'], cases: ['external/*-ea/*'] },
  { fields: ['SCR_EL3.SMD'], cases: ['el3/smc-smd*'] },
  { fields: ['SCR_EL3.HCE'], cases: ['el3/hvc-hce-off/*'] },
  { fields: ['SCR_EL3.SIF'], cases: ['memory/fetch*-sif/*'] },
  { fields: ['SCR_EL3.ST'], cases: ['trap/st/*'] },
  { fields: ['SCR_EL3.TWI'], cases: ['el3/wfi-twi*'] },
  { fields: ['SCR_EL3.TWE'], cases: ['el3/wfe-twe/*'] },
  { fields: ['CPTR_EL3.TCPAC'], cases: ['trap/tcpac/*'] },
  { fields: ['CPTR_EL3.TFP'], cases: ['trap/tfp/*'] },
  { fields: ['MDCR_EL3.TDA'], cases: ['trap/tda/*'] },
  { fields: ['MDCR_EL3.TDOSA'], cases: ['trap/tdosa/*'] },
  { fields: ['MDCR_EL3.TPM'], cases: ['trap/tpm/*'] },
  { fields: ['MDCR_EL3.SDD'], cases: ['debug/*-sdd*'] },
  { fields: ['ICC_SRE_EL3.Enable'], cases: ['sre-el3-off/*'] },
  { fields: ['HCR_EL2.VSE', 'HCR_EL2.AMO'], cases: ['serror/vse-amo*'] },
  { fields: ['SCTLR_EL3.M', 'TTBR0_EL3.BADDR', 'TCR_EL3.T0SZ', 'TCR_EL3.PS'], cases: ['fault/*/EL3'] },
  { fields: ['SCTLR_EL3.A'], cases: ['alignment/normal-a*/EL3'] },
  { fields: ['SCTLR_EL3.SA'], cases: ['stack/misaligned-*/EL3*'] },
  { fields: ['SCTLR_EL3.WXN'], cases: ['fault/wxn-*/EL3'] },
  { fields: ['SPSR_EL3.M', 'SPSR_EL3.M[4]', 'SPSR_EL3.IL', 'ELR_EL3.*'], cases: ['eret*/EL3*'] },
  { fields: ['ESR_EL3.*', 'FAR_EL3.*'], cases: ['fault/*/EL3', 'external/*-ea/*'] },
  { fields: ['VBAR_EL3.*'], cases: ['el3/*/EL3'] },
  { fields: ['DBGBCR<n>_EL1.SSC', 'DBGWCR<n>_EL1.SSC'], cases: ['debug/*-of-secure*'] },
];

const has = (glob: string): boolean => {
  const wanted = pattern(glob);
  return [...cases].some((name) => wanted.test(name));
};

/** What of the image shows a field: `el3: cases`. */
export const el3OfField = (field: string): readonly string[] =>
  shown
    .filter(({ fields }) => fields.some((glob) => pattern(glob).test(field)))
    .flatMap((one) => one.cases.map((glob) => `el3: ${glob}`));

/** The cases of a system instruction: translations and TLB maintenance. */
export const el3OfOperation = (name: string): readonly string[] => {
  const [group = '', short = ''] = name.toLowerCase().split(' ');
  const glob = group === 'at' ? `at/${short}/*` : `tlb/${short}/*`;
  return (group === 'at' || group === 'tlbi') && has(glob) ? [`el3: ${glob}`] : [];
};

/** Cases that are named above and that the image does not have. */
export const el3Missing = (): readonly string[] =>
  shown.flatMap((one) =>
    one.cases.filter((glob) => !has(glob)).map((glob) => `the image el3 has no case ${glob}`),
  );
