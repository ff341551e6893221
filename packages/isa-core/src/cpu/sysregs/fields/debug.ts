// Fields of debug registers and performance monitors (DDI 0487 D17.3, D17.5).

/** Blocks for `parseBlocks`. */
export const debugFields = `
MDCR_EL2
11 TDRA acts: MDRAR_EL1 traps
10 TDOSA acts: the OS lock and power registers trap
9 TDA acts: the other debug registers trap
8 TDE acts: debug exceptions go to EL2, all debug registers trap
7 HPME acts: the counters from HPMN up count
6 TPM acts: the performance monitors trap
5 TPMCR acts: PMCR_EL0 traps
4-0 HPMN acts: counters that EL1 and EL0 have

MDCR_EL3
21 EPMAD held: an external debugger's access to the monitors
20 EDAD held: an external debugger's access to breakpoints
17 SPME acts: counters count in the Secure state
16 SDD acts: debug exceptions of the Secure state are disabled
15-14 SPD32 held: what it does is AArch32's
10 TDOSA acts: the OS lock and power registers trap
9 TDA acts: the other debug registers trap
6 TPM acts: the performance monitors trap

MDSCR_EL1
30 RXfull held: an external debugger's
29 TXfull acts: DBGDTRTX_EL0 was written
27 RXO held: an external debugger's
26 TXU held: an external debugger's
23-22 INTdis held: an external debugger's
21 TDA held: an external debugger's
15 MDE acts: breakpoints and watchpoints are enabled
14 HDE held: an external debugger's
13 KDE acts: debug exceptions of the level that takes them are enabled
12 TDCC acts: EL0's access to the debug communication channel traps
6 ERR held: an external debugger's
0 SS acts: software step

DBGBVR<n>_EL1
63-2 VALUE acts: the address, the context or the VMID

DBGBCR<n>_EL1
23-20 BT acts: what is compared
19-16 LBN acts: the breakpoint that it is linked to
15-14 SSC acts: Security state
13 HMC acts: higher levels
8-5 BAS acts: bytes of the instruction
2-1 PMC acts: exception levels
0 E acts: enabled

DBGWVR<n>_EL1
63-2 VA acts: the address

DBGWCR<n>_EL1
28-24 MASK acts: bits of the address that do not matter
20 WT acts: linked
19-16 LBN acts: the breakpoint that it is linked to
15-14 SSC acts: Security state
13 HMC acts: higher levels
12-5 BAS acts: bytes
4-3 LSC acts: loads, stores
2-1 PAC acts: exception levels
0 E acts: enabled

OSDTRRX_EL1 OSDTRTX_EL1
31-0 DATA held: a word of the channel; nobody is at the other end

MDCCINT_EL1
30 RX acts: COMMIRQ while RXfull is set
29 TX acts: COMMIRQ while TXfull is clear

MDCCSR_EL0
30 RXfull reports
29 TXfull reports

DBGDTR_EL0
63-32 HighWord held: a word of the channel
31-0 LowWord held: a word of the channel

DBGDTRRX_EL0
31-0 DATA held: a word of the channel

DBGVCR32_EL2
31-0 AArch32 held: vector catch is AArch32's

MDRAR_EL1
63-0 ROMADDR reports: there is no ROM table

OSLAR_EL1
0 OSLK acts: the OS lock

OSLSR_EL1
3 OSLM[1] reports: there is an OS lock
2 nTT reports
1 OSLK reports: the OS lock is set
0 OSLM[0] reports

OSDLR_EL1
0 DLK acts: the OS double lock

DBGPRCR_EL1
0 CORENPDRQ acts: with it the double lock has no effect

OSECCR_EL1
31-0 EDECCR held: an external debugger's, while the OS lock is set

DBGCLAIMSET_EL1 DBGCLAIMCLR_EL1
7-0 CLAIM acts: claim tags

DBGAUTHSTATUS_EL1
7-6 SNID reports
5-4 SID reports
3-2 NSNID reports
1-0 NSID reports

PMCR_EL0
31-24 IMP reports
23-16 IDCODE reports
15-11 N reports: event counters that the level has
6 LC acts: the cycle counter overflows at 64 bits
5 DP acts: cycles are not counted where events are prohibited
4 X held: nobody takes exported events
3 D acts: cycles by 64
2 C acts: resets the cycle counter
1 P acts: resets the event counters
0 E acts: counters are enabled

PMCNTENSET_EL0 PMCNTENCLR_EL0 PMOVSSET_EL0 PMOVSCLR_EL0 PMINTENSET_EL1 PMINTENCLR_EL1
31 C acts: the cycle counter
30-0 P acts: event counters, as many as there are

PMSWINC_EL0
30-0 P acts: event counters that count software increments

PMSELR_EL0
4-0 SEL acts: the counter of PMXEVTYPER_EL0 and PMXEVCNTR_EL0

PMCEID0_EL0 PMCEID1_EL0
31-0 ID reports: common events

PMCCNTR_EL0
63-0 CCNT acts: cycles

PMXEVTYPER_EL0 PMEVTYPER<n>_EL0
31 P acts: not at EL1
30 U acts: not at EL0
29 NSK acts: Non-secure EL1
28 NSU acts: Non-secure EL0
27 NSH acts: EL2
26 M acts: EL3
9-0 evtCount acts: the event

PMCCFILTR_EL0
31 P acts: not at EL1
30 U acts: not at EL0
29 NSK acts: Non-secure EL1
28 NSU acts: Non-secure EL0
27 NSH acts: EL2
26 M acts: EL3

PMXEVCNTR_EL0 PMEVCNTR<n>_EL0
31-0 COUNT acts: events

PMUSERENR_EL0
3 ER acts: EL0 may read event counters
2 CR acts: EL0 may read the cycle counter
1 SW acts: EL0 may count software increments
0 EN acts: EL0 may access the monitors
`;
