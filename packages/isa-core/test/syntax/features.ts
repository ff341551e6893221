// What binutils has text for and the table has not: extensions that no CPU here has (DDI 0487 A2.2 to A2.13).

/** A set of instructions. */
export interface Feature {
  /** FEAT_ name of the Arm ARM. */
  readonly name: string;
  /** Matches the text of its instructions, as binutils prints them. */
  readonly text: RegExp;
}

const half = '(?:h\\d+|v\\d+\\.[248]?h)';
const atomic = '(?:ld|st)(?:add|clr|eor|set|[su]max|[su]min)|swp|casp?';

/** Extensions after Armv8.0, and optional ones that are not built. The first that matches has an instruction. */
export const features: readonly Feature[] = [
  // Registers of scalable length show it, but where only their length is counted.
  { name: 'FEAT_SVE, FEAT_SME', text: /[ {[](?:z\d+|p\d+|za\d*[hv]?)(?:[./,\s[}-]|$)/ },
  {
    name: 'FEAT_SVE',
    text: /^(?:add[vp]l|rdvl|cnt[bhwd]|(?:[su]q)?(?:inc|dec)[bhwd]|cterm(?:eq|ne)|setffr)\b/,
  },
  { name: 'FEAT_SME', text: /^(?:adds[vp]l|rdsvl|smstart|smstop|zero)\b/ },

  { name: 'FEAT_LSE', text: new RegExp(`^(?:${atomic})(?:a|l|al)?[bh]? `) },
  { name: 'FEAT_LOR', text: /^(?:ldlar|stllr)[bh]? / },
  { name: 'FEAT_RDM', text: /^sqrdml[as]h / },
  { name: 'FEAT_FHM', text: /^fml[as]l2? / },
  { name: 'FEAT_FCMA', text: /^(?:fcmla|fcadd) / },
  { name: 'FEAT_FP16', text: new RegExp(`^(?:f|[su]cvtf).* ${half}`) },
  { name: 'FEAT_BF16', text: /^bf(?:cvt|dot|mlal|mmla)/ },
  { name: 'FEAT_DotProd, FEAT_I8MM', text: /^(?:[su]|us|su)dot |^(?:[su]|us)mmla / },
  { name: 'FEAT_JSCVT', text: /^fjcvtzs / },
  { name: 'FEAT_FRINTTS', text: /^frint(?:32|64)[xz] / },

  { name: 'FEAT_SHA512', text: /^sha512/ },
  { name: 'FEAT_SHA3', text: /^(?:eor3|bcax|rax1|xar) / },
  { name: 'FEAT_SM3, FEAT_SM4', text: /^sm[34]/ },

  { name: 'FEAT_PAuth', text: /^(?:(?:pac|aut)[id]z?[ab]|pacga|xpac[id]|bl?ra[ab]z?|e?reta[ab]|ldra[ab])\b/ },
  { name: 'FEAT_LRCPC, FEAT_LRCPC2', text: /^(?:ldapr[bh]?|ldapur(?:[bh]|s[bhw])?|stlur[bh]?) / },
  { name: 'FEAT_FlagM, FEAT_FlagM2', text: /^(?:rmif|setf8|setf16|cfinv|axflag|xaflag)\b/ },
  {
    name: 'FEAT_MTE, FEAT_MTE2',
    text: /^(?:irg|gmi|addg|subg|subps?|cmpp|st[z2]?g|stz2g|stz?gm|stgp|ldgm?) /,
  },
  { name: 'FEAT_TME', text: /^(?:tstart|ttest|tcancel|tcommit)\b/ },
  { name: 'FEAT_WFxT', text: /^wf[ei]t / },
  { name: 'FEAT_SB', text: /^sb$/ },
  { name: 'FEAT_DIT, FEAT_MTE, FEAT_SSBS, FEAT_NMI', text: /^msr (?:dit|tco|ssbs|allint), #/ },
  { name: 'FEAT_XS', text: /^dsb \w+nxs$/ },
  { name: 'FEAT_LS64', text: /^(?:ld64b|st64bv?0?) / },
  { name: 'FEAT_MOPS', text: /^(?:cpyf?|set)g?[pme][rwtn]* / },
  { name: 'FEAT_HBC', text: /^bc\./ },
  { name: 'FEAT_CSSC', text: /^(?:abs|cnt|ctz|[su]max|[su]min) [wx](?:\d|zr)/ },
  // Not a feature: op0 0 has no registers (C5.1.2), and binutils makes up names.
  { name: 'unallocated', text: /^mrs \w+, s0_|^msr s0_/ },
];
