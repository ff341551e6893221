// Fields of the control registers of EL1 and EL0 (DDI 0487 D17.2, C5.2).

/** Blocks for `parseBlocks`. */
export const el1Fields = `
SCTLR_EL1
26 UCI acts: EL0 may maintain caches by address
25 EE acts: byte order of data at EL1 and of stage 1's tables
24 E0E acts: byte order of data at EL0
29-28 RES1 res1
23-22 RES1 res1
20 RES1 res1
19 WXN acts: writable memory is not executable
18 nTWE acts: EL0 may execute WFE that waits
16 nTWI acts: EL0 may execute WFI that waits
15 UCT acts: EL0 may read CTR_EL0
14 DZE acts: EL0 may execute DC ZVA
12 I acts: fetches from Normal memory are cacheable; without translation Write-Through
11 RES1 res1
9 UMA acts: EL0 may access DAIF
8 SED res1: SETEND is AArch32's
7 ITD res1: IT is AArch32's
5 CP15BEN raz: the CP15 barriers are AArch32's
4 SA0 acts: SP alignment is checked at EL0
3 SA acts: SP alignment is checked at EL1
2 C acts: data accesses to Normal memory are cacheable
1 A acts: alignment of data is checked
0 M acts: stage 1 translation

ACTLR_EL1 ACTLR_EL2 ACTLR_EL3
63-0 IMPLEMENTATION_DEFINED held: no function of an implementation is here

L2CTLR_EL1
31-26 LATENCY held: the caches of the part are not here
25-24 NUMCPU reports: CPUs, less one
23-0 LATENCY_LOW held: the caches of the part are not here

CBAR_EL1
43-18 PERIPHBASE reports: where the GIC's registers are, as the board says

L2ECTLR_EL1 L2ACTLR_EL1 CPUACTLR_EL1 CPUECTLR_EL1 CPUMERRSR_EL1 L2MERRSR_EL1
63-0 PART held: what it sets up in the part is not here; of Cortex-A53, A57 and A72 alone

CPACR_EL1
28 TTA raz: there is no trace unit
21-20 FPEN acts: FP and Advanced SIMD at EL1 and EL0

TTBR0_EL1 TTBR1_EL1
63-48 ASID acts: the ASID where TCR_EL1.A1 selects this register
47-1 BADDR acts: the table; bits below its alignment are taken as zero

TCR_EL1
38 TBI1 acts: the top byte is ignored in the upper range
37 TBI0 acts: the top byte is ignored in the lower range
36 AS acts: ASIDs have 16 bits
34-32 IPS acts: size of intermediate physical addresses
31-30 TG1 acts: granule of the upper range
29-28 SH1 held: shareability of walks; the caches are coherent
27-26 ORGN1 held: cacheability of walks; the caches are coherent
25-24 IRGN1 held: cacheability of walks; the caches are coherent
23 EPD1 acts: no walks for the upper range
22 A1 acts: TTBR1_EL1 has the ASID
21-16 T1SZ acts: size of the upper range
15-14 TG0 acts: granule of the lower range
13-12 SH0 held: shareability of walks; the caches are coherent
11-10 ORGN0 held: cacheability of walks; the caches are coherent
9-8 IRGN0 held: cacheability of walks; the caches are coherent
7 EPD0 acts: no walks for the lower range
5-0 T0SZ acts: size of the lower range

SPSR_EL1 SPSR_EL2 SPSR_EL3
31 N acts: condition flag
30 Z acts: condition flag
29 C acts: condition flag
28 V acts: condition flag
21 SS acts: software step
20 IL acts: Illegal Execution state
9 D acts: debug exceptions are masked
8 A acts: SError is masked
7 I acts: IRQ is masked
6 F acts: FIQ is masked
4 M[4] acts: AArch32, a return to which is illegal
3-0 M acts: exception level and stack pointer

ELR_EL1 ELR_EL2 ELR_EL3
63-0 ADDRESS acts: where an exception returns to

AFSR0_EL1 AFSR1_EL1 AFSR0_EL2 AFSR1_EL2 AFSR0_EL3 AFSR1_EL3
63-0 IMPLEMENTATION_DEFINED held: faults have no further status here

ESR_EL1 ESR_EL2 ESR_EL3
31-26 EC reports: class of the exception
25 IL reports: the instruction has 32 bits
24-0 ISS reports: syndrome of the class

FAR_EL1 FAR_EL2 FAR_EL3
63-0 ADDRESS reports: the virtual address of a fault

PAR_EL1
63-56 ATTR reports: memory attributes
47-12 PA reports: the output address
11 RES1 reports: 1 after an AT
9 NS_S reports: Non-secure address; of a fault, stage 2
8-7 SH_PTW reports: shareability; of a fault, on a walk of stage 1
6-1 FST reports: fault status
0 F reports: the translation failed

MAIR_EL1 MAIR_EL2 MAIR_EL3
63-56 Attr7 acts: memory attributes by AttrIndx
55-48 Attr6 acts: memory attributes by AttrIndx
47-40 Attr5 acts: memory attributes by AttrIndx
39-32 Attr4 acts: memory attributes by AttrIndx
31-24 Attr3 acts: memory attributes by AttrIndx
23-16 Attr2 acts: memory attributes by AttrIndx
15-8 Attr1 acts: memory attributes by AttrIndx
7-0 Attr0 acts: memory attributes by AttrIndx

AMAIR_EL1 AMAIR_EL2 AMAIR_EL3
63-0 IMPLEMENTATION_DEFINED held: memory has no further attributes here

VBAR_EL1 VBAR_EL2 VBAR_EL3
63-11 ADDRESS acts: the vectors

RVBAR_EL1 RVBAR_EL2 RVBAR_EL3
63-0 ADDRESS reports: where execution starts after reset; of the highest level alone

RMR_EL1 RMR_EL2 RMR_EL3
1 RR held: a request to reset, which no board takes
0 AA64 res1: the highest level starts in AArch64; of that level alone

ISR_EL1
8 A reports: SError is pending
7 I reports: IRQ is pending
6 F reports: FIQ is pending

CONTEXTIDR_EL1
31-0 PROCID acts: context breakpoints compare it

TPIDR_EL0 TPIDRRO_EL0 TPIDR_EL1 TPIDR_EL2 TPIDR_EL3
63-0 ID acts: software's

SP_EL0 SP_EL1 SP_EL2
63-0 ADDRESS acts: stack pointer

SPSel
0 SP acts: the stack pointer is that of the level

CurrentEL
3-2 EL reports: the exception level

NZCV
31 N acts: condition flag
30 Z acts: condition flag
29 C acts: condition flag
28 V acts: condition flag

DAIF
9 D acts: debug exceptions are masked
8 A acts: SError is masked
7 I acts: IRQ is masked
6 F acts: FIQ is masked

FPCR
26 AHP acts: alternative half precision
25 DN acts: NaNs are the default NaN
24 FZ acts: denormal numbers are flushed to zero
23-22 RMode acts: rounding
15 IDE raz: floating-point exceptions are not trapped
12 IXE raz: floating-point exceptions are not trapped
11 UFE raz: floating-point exceptions are not trapped
10 OFE raz: floating-point exceptions are not trapped
9 DZE raz: floating-point exceptions are not trapped
8 IOE raz: floating-point exceptions are not trapped

FPSR
31-28 NZCV held: the flags of AArch32
27 QC acts: an integer operation saturated
7 IDC acts: input denormal
4 IXC acts: inexact
3 UFC acts: underflow
2 OFC acts: overflow
1 DZC acts: division by zero
0 IOC acts: invalid operation
`;
