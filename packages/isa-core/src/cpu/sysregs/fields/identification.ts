// Fields of identification registers as Armv8.0 has them (DDI 0487 D17.2). Those of AArch32 read as zero.

/** Blocks for `parseBlocks`. */
export const identificationFields = `
MIDR_EL1
31-24 Implementer reports
23-20 Variant reports
19-16 Architecture reports
15-4 PartNum reports
3-0 Revision reports

MPIDR_EL1
39-32 Aff3 reports: affinity
31 RES1 reports
30 U reports: a single CPU
24 MT reports: the lowest level is threads
23-16 Aff2 reports: affinity
15-8 Aff1 reports: affinity
7-0 Aff0 reports: affinity

REVIDR_EL1 AIDR_EL1
63-0 IMPLEMENTATION_DEFINED reports

CLIDR_EL1
32-30 ICB reports: inner cache boundary
29-27 LoUU reports: level of unification, one CPU
26-24 LoC reports: level of coherence
23-21 LoUIS reports: level of unification, Inner Shareable
20-18 Ctype7 reports: kind of cache
17-15 Ctype6 reports: kind of cache
14-12 Ctype5 reports: kind of cache
11-9 Ctype4 reports: kind of cache
8-6 Ctype3 reports: kind of cache
5-3 Ctype2 reports: kind of cache
2-0 Ctype1 reports: kind of cache

CCSIDR_EL1
31-28 Writing reports: WT, WB, RA and WA of Armv8.0
27-13 NumSets reports: sets, less one
12-3 Associativity reports: ways, less one
2-0 LineSize reports: log2 of the words of a line, less two

CSSELR_EL1
3-1 Level acts: the cache that CCSIDR_EL1 shows
0 InD acts: the instruction cache

CTR_EL0
31 RES1 reports
27-24 CWG reports: writeback granule
23-20 ERG reports: exclusives reservation granule
19-16 DminLine reports: smallest line of data caches
15-14 L1Ip reports: policy of the instruction cache
3-0 IminLine reports: smallest line of instruction caches

DCZID_EL0
4 DZP reports: DC ZVA is prohibited at this level
3-0 BS reports: log2 of the words that DC ZVA zeroes

ID_AA64PFR0_EL1
27-24 GIC reports: system registers of the GIC's CPU interface
23-20 AdvSIMD reports
19-16 FP reports
15-12 EL3 reports
11-8 EL2 reports
7-4 EL1 reports
3-0 EL0 reports

ID_AA64DFR0_EL1
31-28 CTX_CMPs reports: context-aware breakpoints, less one
23-20 WRPs reports: watchpoints, less one
15-12 BRPs reports: breakpoints, less one
11-8 PMUVer reports: performance monitors
7-4 TraceVer reports: trace unit
3-0 DebugVer reports: debug architecture

ID_AA64ISAR0_EL1
19-16 CRC32 reports
15-12 SHA2 reports
11-8 SHA1 reports
7-4 AES reports: AES, and PMULL of 64 bits

ID_AA64MMFR0_EL1
31-28 TGran4 reports: the 4 KiB granule
27-24 TGran64 reports: the 64 KiB granule
23-20 TGran16 reports: the 16 KiB granule
19-16 BigEndEL0 reports: mixed byte order at EL0 alone
15-12 SNSMem reports: Secure and Non-secure memory
11-8 BigEnd reports: mixed byte order
7-4 ASIDBits reports: bits of an ASID
3-0 PARange reports: bits of a physical address

ID_AA64PFR1_EL1 ID_AA64DFR1_EL1 ID_AA64ISAR1_EL1 ID_AA64MMFR1_EL1
63-0 ZERO reports: nothing of Armv8.0

ID_AA64AFR0_EL1 ID_AA64AFR1_EL1
63-0 IMPLEMENTATION_DEFINED reports

ID_AA64ZFR0_EL1 ID_AA64SMFR0_EL1 ID_AA64ISAR2_EL1 ID_AA64MMFR2_EL1 S3_0_C0_C<n>_<m>
63-0 RESERVED reports: zero in Armv8.0

ID_PFR0_EL1 ID_PFR1_EL1 ID_PFR2_EL1 ID_DFR0_EL1 ID_DFR1_EL1 ID_AFR0_EL1 ID_MMFR<n>_EL1 ID_ISAR<n>_EL1 MVFR<n>_EL1
31-0 AArch32 reports: zero, as no level is AArch32
`;
