// Fields of the generic timer and of the GIC's CPU interface (DDI 0487 D17.8; IHI 0069 12.2, 12.4). The board's banks have them.

/** Blocks for `parseBlocks`. */
export const interruptFields = `
CNTFRQ_EL0
31-0 FREQUENCY acts: what software reads as the counters' frequency

CNTPCT_EL0 CNTVCT_EL0
63-0 COUNT reports: the counter

CNTP_CTL_EL0 CNTV_CTL_EL0 CNTHP_CTL_EL2 CNTPS_CTL_EL1
2 ISTATUS reports: the condition is met
1 IMASK acts: no interrupt
0 ENABLE acts: the timer is on

CNTP_CVAL_EL0 CNTV_CVAL_EL0 CNTHP_CVAL_EL2 CNTPS_CVAL_EL1
63-0 CompareValue acts: when the condition is met

CNTP_TVAL_EL0 CNTV_TVAL_EL0 CNTHP_TVAL_EL2 CNTPS_TVAL_EL1
31-0 TimerValue acts: CompareValue, from now on

CNTKCTL_EL1
9 EL0PTEN acts: EL0 may use the physical timer
8 EL0VTEN acts: EL0 may use the virtual timer
7-4 EVNTI acts: the bit of the counter whose transitions are events
3 EVNTDIR acts: which of them: 0 to 1, or 1 to 0
2 EVNTEN acts: transitions of the virtual counter are events, for which WFE waits
1 EL0VCTEN acts: EL0 may read the virtual counter
0 EL0PCTEN acts: EL0 may read the physical counter

CNTHCTL_EL2
7-4 EVNTI acts: the bit of the counter whose transitions are events
3 EVNTDIR acts: which of them: 0 to 1, or 1 to 0
2 EVNTEN acts: transitions of the physical counter are events, for which WFE waits
1 EL1PCEN acts: EL1 and EL0 may use the physical timer
0 EL1PCTEN acts: EL1 and EL0 may read the physical counter

CNTVOFF_EL2
63-0 OFFSET acts: what the virtual counter is less than the physical one

ICC_PMR_EL1
7-0 Priority acts: interrupts of lower priority wait

ICC_RPR_EL1
7-0 Priority reports: the running priority

ICC_IAR0_EL1 ICC_IAR1_EL1
23-0 INTID acts: the interrupt that the read acknowledges

ICC_HPPIR0_EL1 ICC_HPPIR1_EL1
23-0 INTID reports: the pending interrupt of highest priority

ICC_EOIR0_EL1 ICC_EOIR1_EL1 ICC_DIR_EL1
23-0 INTID acts: the interrupt that ends

ICC_BPR0_EL1 ICC_BPR1_EL1
2-0 BinaryPoint acts: where the group priority ends

ICC_AP0R<n>_EL1 ICC_AP1R<n>_EL1 ICH_AP0R<n>_EL2 ICH_AP1R<n>_EL2
31-0 P acts: active priorities

ICC_SGI0R_EL1 ICC_SGI1R_EL1 ICC_ASGI1R_EL1
55-48 Aff3 acts: affinity of the targets
47-44 RS acts: which sixteen of the targets
40 IRM acts: all but this CPU
39-32 Aff2 acts: affinity of the targets
27-24 INTID acts: the software-generated interrupt
23-16 Aff1 acts: affinity of the targets
15-0 TargetList acts: the targets

ICC_CTLR_EL1
19 ExtRange reports
18 RSS reports
15 A3V reports
14 SEIS reports
13-11 IDbits reports
10-8 PRIbits reports
6 PMHE raz: the priority mask is no hint
1 EOImode acts: the end of an interrupt does not deactivate it
0 CBPR acts: one binary point for both groups

ICC_CTLR_EL3
19 ExtRange reports
18 RSS reports
17 nDS reports
15 A3V reports
14 SEIS reports
13-11 IDbits reports
10-8 PRIbits reports
6 PMHE raz: the priority mask is no hint
5 RM raz: EL3 acknowledges what the registers of its groups show
4 EOImode_EL1NS acts: the end of an interrupt does not deactivate it
3 EOImode_EL1S acts: the end of an interrupt does not deactivate it
2 EOImode_EL3 acts: the end of an interrupt does not deactivate it
1 CBPR_EL1NS acts: one binary point for both groups
0 CBPR_EL1S acts: one binary point for both groups

ICC_SRE_EL1
2 DIB acts: no IRQ bypass
1 DFB acts: no FIQ bypass
0 SRE acts: the interface has system registers

ICC_SRE_EL2 ICC_SRE_EL3
3 Enable acts: the levels below may access their ICC_SRE
2 DIB acts: no IRQ bypass
1 DFB acts: no FIQ bypass
0 SRE acts: the interface has system registers

ICC_IGRPEN0_EL1 ICC_IGRPEN1_EL1
0 Enable acts: interrupts of the group are signalled

ICC_IGRPEN1_EL3
1 EnableGrp1S acts: interrupts of the group are signalled
0 EnableGrp1NS acts: interrupts of the group are signalled

ICH_HCR_EL2
31-27 EOIcount acts: ends that no list register has
14 TDIR acts: ICC_DIR_EL1 traps
13 TSEI held: there are no local SEIs
12 TALL1 acts: Group 1 registers trap
11 TALL0 acts: Group 0 registers trap
10 TC acts: common registers trap
7 VGrp1DIE acts: maintenance interrupt
6 VGrp1EIE acts: maintenance interrupt
5 VGrp0DIE acts: maintenance interrupt
4 VGrp0EIE acts: maintenance interrupt
3 NPIE acts: maintenance interrupt
2 LRENPIE acts: maintenance interrupt
1 UIE acts: maintenance interrupt
0 En acts: the virtual CPU interface is on

ICH_VTR_EL2
31-29 PRIbits reports
28-26 PREbits reports
25-23 IDbits reports
22 SEIS reports
21 A3V reports
20 nV4 reports
19 TDS reports
4-0 ListRegs reports: list registers, less one

ICH_MISR_EL2
7 VGrp1D reports
6 VGrp1E reports
5 VGrp0D reports
4 VGrp0E reports
3 NP reports
2 LRENP reports
1 U reports
0 EOI reports

ICH_EISR_EL2 ICH_ELRSR_EL2
15-0 Status reports: list registers

ICH_VMCR_EL2
31-24 VPMR acts: the virtual priority mask
23-21 VBPR0 acts: the virtual binary point
20-18 VBPR1 acts: the virtual binary point
9 VEOIM acts: the end of an interrupt does not deactivate it
4 VCBPR acts: one binary point for both groups
3 VFIQEn res1: Group 0 is signalled as FIQ
2 VAckCtl raz: Group 1 is acknowledged by its own register
1 VENG1 acts: Group 1 is enabled
0 VENG0 acts: Group 0 is enabled

ICH_LR<n>_EL2
63-62 State acts: pending, active
61 HW acts: the end deactivates the physical interrupt
60 Group acts: the group
55-48 Priority acts: the priority
41-32 pINTID acts: the physical interrupt, or EOI
31-0 vINTID acts: the virtual interrupt
`;
