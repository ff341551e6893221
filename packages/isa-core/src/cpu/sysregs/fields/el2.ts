// Fields of the control registers of EL2 and EL3 (DDI 0487 D17.2).

/** Blocks for `parseBlocks`. */
export const el2Fields = `
SCTLR_EL2 SCTLR_EL3
29-28 RES1 res1
25 EE acts: byte order of data at the level and of its tables; of EL2 also stage 2's
23-22 RES1 res1
19 WXN acts: writable memory is not executable
18 RES1 res1
16 RES1 res1
12 I acts: fetches from Normal memory are cacheable; without translation Write-Through
11 RES1 res1
5-4 RES1 res1
3 SA acts: SP alignment is checked
2 C acts: data accesses to Normal memory are cacheable
1 A acts: alignment of data is checked
0 M acts: stage 1 translation

HCR_EL2
33 ID acts: stage 2 makes fetches Non-cacheable
32 CD acts: stage 2 makes data accesses Non-cacheable
31 RW res1: EL1 is AArch64
30 TRVM acts: reads of EL1's translation registers trap
29 HCD acts: HVC is UNDEFINED; RES0 with EL3
28 TDZ acts: DC ZVA traps
27 TGE acts: EL1's exceptions go to EL2
26 TVM acts: writes of EL1's translation registers trap
25 TTLB acts: EL1's TLBI trap
24 TPU acts: maintenance to the point of unification traps
23 TPC acts: maintenance to the point of coherency traps
22 TSW acts: maintenance by set and way traps
21 TACR acts: ACTLR_EL1 traps
20 TIDCP acts: encodings that are reserved for implementations trap
19 TSC acts: SMC traps
18 TID3 acts: feature registers trap
17 TID2 acts: cache identification traps
16 TID1 acts: REVIDR_EL1 and AIDR_EL1 trap
15 TID0 held: what it traps is AArch32's
14 TWE acts: WFE that waits traps
13 TWI acts: WFI that waits traps
12 DC acts: without stage 1, memory is Write-Back; stage 2 is on
11-10 BSU held: barriers have no scope, as all is in order
9 FB acts: EL1's TLBI reach all CPUs
8 VSE acts: a virtual SError is pending
7 VI acts: a virtual IRQ is pending
6 VF acts: a virtual FIQ is pending
5 AMO acts: SError goes to EL2, virtual SError to EL1
4 IMO acts: IRQ goes to EL2, virtual IRQ to EL1
3 FMO acts: FIQ goes to EL2, virtual FIQ to EL1
2 PTW acts: walks through Device memory of stage 2 fault
1 SWIO held: maintenance by set and way has nothing to do
0 VM acts: stage 2 translation

CPTR_EL2
31 TCPAC acts: CPACR_EL1 traps
20 TTA raz: there is no trace unit
13-12 RES1 res1
10 TFP acts: FP and Advanced SIMD trap
9-0 RES1 res1

CPTR_EL3
31 TCPAC acts: CPACR_EL1 and CPTR_EL2 trap
20 TTA raz: there is no trace unit
10 TFP acts: FP and Advanced SIMD trap

HSTR_EL2
15-0 T held: what it traps is AArch32's

HACR_EL2
63-0 IMPLEMENTATION_DEFINED held: no function of an implementation is here

TTBR0_EL2 TTBR0_EL3
47-1 BADDR acts: the table; bits below its alignment are taken as zero

TCR_EL2 TCR_EL3
31 RES1 res1
23 RES1 res1
20 TBI acts: the top byte is ignored
18-16 PS acts: size of physical addresses
15-14 TG0 acts: granule
13-12 SH0 held: shareability of walks; the caches are coherent
11-10 ORGN0 held: cacheability of walks; the caches are coherent
9-8 IRGN0 held: cacheability of walks; the caches are coherent
5-0 T0SZ acts: size of the range

VTTBR_EL2
55-48 VMID acts: the VMID
47-1 BADDR acts: stage 2's table; bits below its alignment are taken as zero

VTCR_EL2
31 RES1 res1
18-16 PS acts: size of physical addresses
15-14 TG0 acts: granule
13-12 SH0 held: shareability of walks; the caches are coherent
11-10 ORGN0 held: cacheability of walks; the caches are coherent
9-8 IRGN0 held: cacheability of walks; the caches are coherent
7-6 SL0 acts: level of the first lookup
5-0 T0SZ acts: size of intermediate physical addresses

DACR32_EL2 IFSR32_EL2 SPSR_irq SPSR_abt SPSR_und SPSR_fiq
31-0 AArch32 held: a register of AArch32, which is not there

FPEXC32_EL2
31-0 AArch32 held: a register of AArch32, which is not there

HPFAR_EL2
39-4 FIPA reports: the intermediate physical address of a stage 2 fault

VPIDR_EL2
31-0 MIDR acts: what EL1 reads as MIDR_EL1

VMPIDR_EL2
63-0 MPIDR acts: what EL1 reads as MPIDR_EL1

SCR_EL3
13 TWE acts: WFE that waits traps
12 TWI acts: WFI that waits traps
11 ST acts: Secure EL1 may use the Secure timer
10 RW res1: the next level is AArch64
9 SIF acts: the Secure state executes nothing from Non-secure memory
8 HCE acts: HVC is enabled
7 SMD acts: SMC is UNDEFINED
5-4 RES1 res1
3 EA acts: External aborts and SError go to EL3
2 FIQ acts: FIQ goes to EL3
1 IRQ acts: IRQ goes to EL3
0 NS acts: the levels below are Non-secure

SDER32_EL3
1 SUNIDEN held: what it allows is AArch32's
0 SUIDEN held: what it allows is AArch32's
`;
