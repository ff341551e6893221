// The names of system registers in assembly text, also of those that this CPU has not (DDI 0487 D19.1; binutils prints these).

/**
 * One paragraph for each op0, op1 and CRn: names, with CRm and op2. `#` stands for every number from 0 to 15.
 */
const NAMES = `
2 0 0: osdtrrx_el1=0.2 dbgbvr#_el1=#.4 dbgbcr#_el1=#.5 dbgwvr#_el1=#.6 dbgwcr#_el1=#.7 mdccint_el1=2.0 mdscr_el1=2.2
  osdtrtx_el1=3.2 oseccr_el1=6.2
2 0 1: mdrar_el1=0.0 oslar_el1=0.4 oslsr_el1=1.4 osdlr_el1=3.4 dbgprcr_el1=4.4
2 0 7: dbgclaimset_el1=8.6 dbgclaimclr_el1=9.6 dbgauthstatus_el1=14.6
2 0 8: csrcr_el1=0.0 csrptr_el1=0.1 csrptridx_el1=0.3
2 1 0: trctraceidr=0.1 trcvictlr=0.2 trcseqevr0=0.4 trccntrldvr0=0.5 trcidr8=0.6 trcimspec0=0.7 trcprgctlr=1.0
  trcqctlr=1.1 trcviiectlr=1.2 trcseqevr1=1.4 trccntrldvr1=1.5 trcidr9=1.6 trcimspec1=1.7 trcprocselr=2.0
  trcvissctlr=2.2 trcseqevr2=2.4 trccntrldvr2=2.5 trcidr10=2.6 trcimspec2=2.7 trcstatr=3.0 trcvipcssctlr=3.2
  trccntrldvr3=3.5 trcidr11=3.6 trcimspec3=3.7 trcconfigr=4.0 trccntctlr0=4.5 trcidr12=4.6 trcimspec4=4.7
  trccntctlr1=5.5 trcidr13=5.6 trcimspec5=5.7 trcauxctlr=6.0 trcseqrstevr=6.4 trccntctlr2=6.5 trcimspec6=6.7
  trcseqstr=7.4 trccntctlr3=7.5 trcimspec7=7.7 trceventctl0r=8.0 trcvdctlr=8.2 trcextinselr0=8.4 trccntvr0=8.5
  trcidr0=8.7 trceventctl1r=9.0 trcvdsacctlr=9.2 trcextinselr1=9.4 trccntvr1=9.5 trcidr1=9.7 trcrsr=10.0
  trcvdarcctlr=10.2 trcextinselr2=10.4 trccntvr2=10.5 trcidr2=10.7 trcstallctlr=11.0 trcextinselr3=11.4
  trccntvr3=11.5 trcidr3=11.7 trctsctlr=12.0 trcidr4=12.7 trcsyncpr=13.0 trcidr5=13.7 trcccctlr=14.0 trcidr6=14.7
  trcbbctlr=15.0 trcidr7=15.7
2 1 1: trcrsctlr16=0.1 trcssccr0=0.2 trcsspcicr0=0.3 trcoslar=0.4 trcrsctlr17=1.1 trcssccr1=1.2 trcsspcicr1=1.3
  trcoslsr=1.4 trcrsctlr2=2.0 trcrsctlr18=2.1 trcssccr2=2.2 trcsspcicr2=2.3 trcrsctlr3=3.0 trcrsctlr19=3.1
  trcssccr3=3.2 trcsspcicr3=3.3 trcrsctlr4=4.0 trcrsctlr20=4.1 trcssccr4=4.2 trcsspcicr4=4.3 trcpdcr=4.4
  trcrsctlr5=5.0 trcrsctlr21=5.1 trcssccr5=5.2 trcsspcicr5=5.3 trcpdsr=5.4 trcrsctlr6=6.0 trcrsctlr22=6.1
  trcssccr6=6.2 trcsspcicr6=6.3 trcrsctlr7=7.0 trcrsctlr23=7.1 trcssccr7=7.2 trcsspcicr7=7.3 trcrsctlr8=8.0
  trcrsctlr24=8.1 trcsscsr0=8.2 trcrsctlr9=9.0 trcrsctlr25=9.1 trcsscsr1=9.2 trcrsctlr10=10.0 trcrsctlr26=10.1
  trcsscsr2=10.2 trcrsctlr11=11.0 trcrsctlr27=11.1 trcsscsr3=11.2 trcrsctlr12=12.0 trcrsctlr28=12.1 trcsscsr4=12.2
  trcrsctlr13=13.0 trcrsctlr29=13.1 trcsscsr5=13.2 trcrsctlr14=14.0 trcrsctlr30=14.1 trcsscsr6=14.2 trcrsctlr15=15.0
  trcrsctlr31=15.1 trcsscsr7=15.2
2 1 2: trcacvr0=0.0 trcacvr8=0.1 trcacatr0=0.2 trcacatr8=0.3 trcdvcvr0=0.4 trcdvcvr4=0.5 trcdvcmr0=0.6 trcdvcmr4=0.7
  trcacvr1=2.0 trcacvr9=2.1 trcacatr1=2.2 trcacatr9=2.3 trcacvr2=4.0 trcacvr10=4.1 trcacatr2=4.2 trcacatr10=4.3
  trcdvcvr1=4.4 trcdvcvr5=4.5 trcdvcmr1=4.6 trcdvcmr5=4.7 trcacvr3=6.0 trcacvr11=6.1 trcacatr3=6.2 trcacatr11=6.3
  trcacvr4=8.0 trcacvr12=8.1 trcacatr4=8.2 trcacatr12=8.3 trcdvcvr2=8.4 trcdvcvr6=8.5 trcdvcmr2=8.6 trcdvcmr6=8.7
  trcacvr5=10.0 trcacvr13=10.1 trcacatr5=10.2 trcacatr13=10.3 trcacvr6=12.0 trcacvr14=12.1 trcacatr6=12.2
  trcacatr14=12.3 trcdvcvr3=12.4 trcdvcvr7=12.5 trcdvcmr3=12.6 trcdvcmr7=12.7 trcacvr7=14.0 trcacvr15=14.1
  trcacatr7=14.2 trcacatr15=14.3
2 1 3: trccidcvr0=0.0 trcvmidcvr0=0.1 trccidcctlr0=0.2 trccidcctlr1=1.2 trccidcvr1=2.0 trcvmidcvr1=2.1
  trcvmidcctlr0=2.2 trcvmidcctlr1=3.2 trccidcvr2=4.0 trcvmidcvr2=4.1 trccidcvr3=6.0 trcvmidcvr3=6.1 trccidcvr4=8.0
  trcvmidcvr4=8.1 trccidcvr5=10.0 trcvmidcvr5=10.1 trccidcvr6=12.0 trcvmidcvr6=12.1 trccidcvr7=14.0 trcvmidcvr7=14.1
2 1 7: trcitctrl=0.4 trcdevid=2.7 trcdevtype=3.7 trcpidr4=4.7 trcpidr5=5.7 trcpidr6=6.7 trcpidr7=7.7 trcclaimset=8.6
  trcpidr0=8.7 trcclaimclr=9.6 trcpidr1=9.7 trcdevaff0=10.6 trcpidr2=10.7 trcdevaff1=11.6 trcpidr3=11.7 trclar=12.6
  trccidr0=12.7 trclsr=13.6 trccidr1=13.7 trcauthstatus=14.6 trccidr2=14.7 trcdevarch=15.6 trccidr3=15.7
2 1 8: brbinf#_el1=#.0 brbsrc#_el1=#.1 brbtgt#_el1=#.2 brbinf16_el1=0.4 brbsrc16_el1=0.5 brbtgt16_el1=0.6
  brbinf17_el1=1.4 brbsrc17_el1=1.5 brbtgt17_el1=1.6 brbinf18_el1=2.4 brbsrc18_el1=2.5 brbtgt18_el1=2.6
  brbinf19_el1=3.4 brbsrc19_el1=3.5 brbtgt19_el1=3.6 brbinf20_el1=4.4 brbsrc20_el1=4.5 brbtgt20_el1=4.6
  brbinf21_el1=5.4 brbsrc21_el1=5.5 brbtgt21_el1=5.6 brbinf22_el1=6.4 brbsrc22_el1=6.5 brbtgt22_el1=6.6
  brbinf23_el1=7.4 brbsrc23_el1=7.5 brbtgt23_el1=7.6 brbinf24_el1=8.4 brbsrc24_el1=8.5 brbtgt24_el1=8.6
  brbinf25_el1=9.4 brbsrc25_el1=9.5 brbtgt25_el1=9.6 brbinf26_el1=10.4 brbsrc26_el1=10.5 brbtgt26_el1=10.6
  brbinf27_el1=11.4 brbsrc27_el1=11.5 brbtgt27_el1=11.6 brbinf28_el1=12.4 brbsrc28_el1=12.5 brbtgt28_el1=12.6
  brbinf29_el1=13.4 brbsrc29_el1=13.5 brbtgt29_el1=13.6 brbinf30_el1=14.4 brbsrc30_el1=14.5 brbtgt30_el1=14.6
  brbinf31_el1=15.4 brbsrc31_el1=15.5 brbtgt31_el1=15.6
2 1 9: brbcr_el1=0.0 brbfcr_el1=0.1 brbts_el1=0.2 brbinfinj_el1=1.0 brbsrcinj_el1=1.1 brbtgtinj_el1=1.2
  brbidr0_el1=2.0
2 2 0: teecr32_el1=0.0
2 2 1: teehbr32_el1=0.0
2 3 0: mdccsr_el0=1.0 dbgdtr_el0=4.0
2 3 8: csrcr_el0=0.0 csrptr_el0=0.1 csridr_el0=0.2 csrptridx_el0=0.3
2 4 0: dbgvcr32_el2=7.0
2 4 8: csrcr_el2=0.0 csrptr_el2=0.1 csrptridx_el2=0.3
2 4 9: brbcr_el2=0.0
2 5 8: csrcr_el12=0.0 csrptr_el12=0.1
2 5 9: brbcr_el12=0.0
3 0 0: midr_el1=0.0 mpuir_el1=0.4 mpidr_el1=0.5 revidr_el1=0.6 id_pfr0_el1=1.0 id_pfr1_el1=1.1 id_dfr0_el1=1.2
  id_afr0_el1=1.3 id_mmfr0_el1=1.4 id_mmfr1_el1=1.5 id_mmfr2_el1=1.6 id_mmfr3_el1=1.7 id_isar0_el1=2.0
  id_isar1_el1=2.1 id_isar2_el1=2.2 id_isar3_el1=2.3 id_isar4_el1=2.4 id_isar5_el1=2.5 id_mmfr4_el1=2.6
  id_isar6_el1=2.7 mvfr0_el1=3.0 mvfr1_el1=3.1 mvfr2_el1=3.2 id_pfr2_el1=3.4 id_dfr1_el1=3.5 id_mmfr5_el1=3.6
  id_aa64pfr0_el1=4.0 id_aa64pfr1_el1=4.1 id_aa64zfr0_el1=4.4 id_aa64smfr0_el1=4.5 id_aa64dfr0_el1=5.0
  id_aa64dfr1_el1=5.1 id_aa64afr0_el1=5.4 id_aa64afr1_el1=5.5 id_aa64isar0_el1=6.0 id_aa64isar1_el1=6.1
  id_aa64isar2_el1=6.2 id_aa64mmfr0_el1=7.0 id_aa64mmfr1_el1=7.1 id_aa64mmfr2_el1=7.2
3 0 1: sctlr_el1=0.0 actlr_el1=0.1 cpacr_el1=0.2 rgsr_el1=0.5 gcr_el1=0.6 zcr_el1=2.0 trfcr_el1=2.1 smpri_el1=2.4
  smcr_el1=2.6
3 0 2: ttbr0_el1=0.0 ttbr1_el1=0.1 tcr_el1=0.2 apiakeylo_el1=1.0 apiakeyhi_el1=1.1 apibkeylo_el1=1.2
  apibkeyhi_el1=1.3 apdakeylo_el1=2.0 apdakeyhi_el1=2.1 apdbkeylo_el1=2.2 apdbkeyhi_el1=2.3 apgakeylo_el1=3.0
  apgakeyhi_el1=3.1
3 0 4: spsr_el1=0.0 elr_el1=0.1 sp_el0=1.0 spsel=2.0 currentel=2.2 pan=2.3 uao=2.4 allint=3.0 icc_pmr_el1=6.0
3 0 5: afsr0_el1=1.0 afsr1_el1=1.1 esr_el1=2.0 erridr_el1=3.0 errselr_el1=3.1 erxfr_el1=4.0 erxctlr_el1=4.1
  erxstatus_el1=4.2 erxaddr_el1=4.3 erxpfgf_el1=4.4 erxpfgctl_el1=4.5 erxpfgcdn_el1=4.6 erxmisc0_el1=5.0
  erxmisc1_el1=5.1 erxmisc2_el1=5.2 erxmisc3_el1=5.3 tfsr_el1=6.0 tfsre0_el1=6.1
3 0 6: far_el1=0.0 prenr_el1=1.1 prselr_el1=2.1 prbar_el1=8.0 prlar_el1=8.1 prbar1_el1=8.4 prlar1_el1=8.5
  prbar2_el1=9.0 prlar2_el1=9.1 prbar3_el1=9.4 prlar3_el1=9.5 prbar4_el1=10.0 prlar4_el1=10.1 prbar5_el1=10.4
  prlar5_el1=10.5 prbar6_el1=11.0 prlar6_el1=11.1 prbar7_el1=11.4 prlar7_el1=11.5 prbar8_el1=12.0 prlar8_el1=12.1
  prbar9_el1=12.4 prlar9_el1=12.5 prbar10_el1=13.0 prlar10_el1=13.1 prbar11_el1=13.4 prlar11_el1=13.5
  prbar12_el1=14.0 prlar12_el1=14.1 prbar13_el1=14.4 prlar13_el1=14.5 prbar14_el1=15.0 prlar14_el1=15.1
  prbar15_el1=15.4 prlar15_el1=15.5
3 0 7: par_el1=4.0
3 0 9: pmscr_el1=9.0 pmsnevfr_el1=9.1 pmsicr_el1=9.2 pmsirr_el1=9.3 pmsfcr_el1=9.4 pmsevfr_el1=9.5 pmslatfr_el1=9.6
  pmsidr_el1=9.7 pmblimitr_el1=10.0 pmbptr_el1=10.1 pmbsr_el1=10.3 pmbidr_el1=10.7 trblimitr_el1=11.0
  trbptr_el1=11.1 trbbaser_el1=11.2 trbsr_el1=11.3 trbmar_el1=11.4 trbtrg_el1=11.6 trbidr_el1=11.7
  pmintenset_el1=14.1 pmintenclr_el1=14.2 pmmir_el1=14.6
3 0 10: mair_el1=2.0 amair_el1=3.0 lorsa_el1=4.0 lorea_el1=4.1 lorn_el1=4.2 lorc_el1=4.3 mpamidr_el1=4.4
  lorid_el1=4.7 mpam1_el1=5.0 mpam0_el1=5.1 mpamsm_el1=5.3
3 0 12: vbar_el1=0.0 rvbar_el1=0.1 rmr_el1=0.2 isr_el1=1.0 disr_el1=1.1 icc_iar0_el1=8.0 icc_eoir0_el1=8.1
  icc_hppir0_el1=8.2 icc_bpr0_el1=8.3 icc_ap0r0_el1=8.4 icc_ap0r1_el1=8.5 icc_ap0r2_el1=8.6 icc_ap0r3_el1=8.7
  icc_ap1r0_el1=9.0 icc_ap1r1_el1=9.1 icc_ap1r2_el1=9.2 icc_ap1r3_el1=9.3 icc_nmiar1_el1=9.5 icc_dir_el1=11.1
  icc_rpr_el1=11.3 icc_sgi1r_el1=11.5 icc_asgi1r_el1=11.6 icc_sgi0r_el1=11.7 icc_iar1_el1=12.0 icc_eoir1_el1=12.1
  icc_hppir1_el1=12.2 icc_bpr1_el1=12.3 icc_ctlr_el1=12.4 icc_sre_el1=12.5 icc_igrpen0_el1=12.6 icc_igrpen1_el1=12.7
3 0 13: contextidr_el1=0.1 tpidr_el1=0.4 accdata_el1=0.5 scxtnum_el1=0.7
3 0 14: cntkctl_el1=1.0
3 1 0: ccsidr_el1=0.0 clidr_el1=0.1 ccsidr2_el1=0.2 gmid_el1=0.4 smidr_el1=0.6 aidr_el1=0.7
3 2 0: csselr_el1=0.0
3 3 0: ctr_el0=0.1 dczid_el0=0.7
3 3 2: rndr=4.0 rndrrs=4.1
3 3 4: nzcv=2.0 daif=2.1 svcr=2.2 dit=2.5 ssbs=2.6 tco=2.7 fpcr=4.0 fpsr=4.1 dspsr_el0=5.0 dlr_el0=5.1
3 3 9: pmcr_el0=12.0 pmcntenset_el0=12.1 pmcntenclr_el0=12.2 pmovsclr_el0=12.3 pmswinc_el0=12.4 pmselr_el0=12.5
  pmceid0_el0=12.6 pmceid1_el0=12.7 pmccntr_el0=13.0 pmxevtyper_el0=13.1 pmxevcntr_el0=13.2 pmuserenr_el0=14.0
  pmovsset_el0=14.3
3 3 13: tpidr_el0=0.2 tpidrro_el0=0.3 tpidr2_el0=0.5 scxtnum_el0=0.7 amcr_el0=2.0 amcfgr_el0=2.1 amcgcr_el0=2.2
  amuserenr_el0=2.3 amcntenclr0_el0=2.4 amcntenset0_el0=2.5 amcg1idr_el0=2.6 amcntenclr1_el0=3.0 amcntenset1_el0=3.1
  amevcntr00_el0=4.0 amevcntr01_el0=4.1 amevcntr02_el0=4.2 amevcntr03_el0=4.3 amevtyper00_el0=6.0
  amevtyper01_el0=6.1 amevtyper02_el0=6.2 amevtyper03_el0=6.3 amevcntr10_el0=12.0 amevcntr11_el0=12.1
  amevcntr12_el0=12.2 amevcntr13_el0=12.3 amevcntr14_el0=12.4 amevcntr15_el0=12.5 amevcntr16_el0=12.6
  amevcntr17_el0=12.7 amevcntr18_el0=13.0 amevcntr19_el0=13.1 amevcntr110_el0=13.2 amevcntr111_el0=13.3
  amevcntr112_el0=13.4 amevcntr113_el0=13.5 amevcntr114_el0=13.6 amevcntr115_el0=13.7 amevtyper10_el0=14.0
  amevtyper11_el0=14.1 amevtyper12_el0=14.2 amevtyper13_el0=14.3 amevtyper14_el0=14.4 amevtyper15_el0=14.5
  amevtyper16_el0=14.6 amevtyper17_el0=14.7 amevtyper18_el0=15.0 amevtyper19_el0=15.1 amevtyper110_el0=15.2
  amevtyper111_el0=15.3 amevtyper112_el0=15.4 amevtyper113_el0=15.5 amevtyper114_el0=15.6 amevtyper115_el0=15.7
3 3 14: cntfrq_el0=0.0 cntpct_el0=0.1 cntvct_el0=0.2 cntpctss_el0=0.5 cntvctss_el0=0.6 cntp_tval_el0=2.0
  cntp_ctl_el0=2.1 cntp_cval_el0=2.2 cntv_tval_el0=3.0 cntv_ctl_el0=3.1 cntv_cval_el0=3.2 pmevcntr0_el0=8.0
  pmevcntr1_el0=8.1 pmevcntr2_el0=8.2 pmevcntr3_el0=8.3 pmevcntr4_el0=8.4 pmevcntr5_el0=8.5 pmevcntr6_el0=8.6
  pmevcntr7_el0=8.7 pmevcntr8_el0=9.0 pmevcntr9_el0=9.1 pmevcntr10_el0=9.2 pmevcntr11_el0=9.3 pmevcntr12_el0=9.4
  pmevcntr13_el0=9.5 pmevcntr14_el0=9.6 pmevcntr15_el0=9.7 pmevcntr16_el0=10.0 pmevcntr17_el0=10.1
  pmevcntr18_el0=10.2 pmevcntr19_el0=10.3 pmevcntr20_el0=10.4 pmevcntr21_el0=10.5 pmevcntr22_el0=10.6
  pmevcntr23_el0=10.7 pmevcntr24_el0=11.0 pmevcntr25_el0=11.1 pmevcntr26_el0=11.2 pmevcntr27_el0=11.3
  pmevcntr28_el0=11.4 pmevcntr29_el0=11.5 pmevcntr30_el0=11.6 pmevtyper0_el0=12.0 pmevtyper1_el0=12.1
  pmevtyper2_el0=12.2 pmevtyper3_el0=12.3 pmevtyper4_el0=12.4 pmevtyper5_el0=12.5 pmevtyper6_el0=12.6
  pmevtyper7_el0=12.7 pmevtyper8_el0=13.0 pmevtyper9_el0=13.1 pmevtyper10_el0=13.2 pmevtyper11_el0=13.3
  pmevtyper12_el0=13.4 pmevtyper13_el0=13.5 pmevtyper14_el0=13.6 pmevtyper15_el0=13.7 pmevtyper16_el0=14.0
  pmevtyper17_el0=14.1 pmevtyper18_el0=14.2 pmevtyper19_el0=14.3 pmevtyper20_el0=14.4 pmevtyper21_el0=14.5
  pmevtyper22_el0=14.6 pmevtyper23_el0=14.7 pmevtyper24_el0=15.0 pmevtyper25_el0=15.1 pmevtyper26_el0=15.2
  pmevtyper27_el0=15.3 pmevtyper28_el0=15.4 pmevtyper29_el0=15.5 pmevtyper30_el0=15.6 pmccfiltr_el0=15.7
3 4 0: vpidr_el2=0.0 mpuir_el2=0.4 vmpidr_el2=0.5
3 4 1: sctlr_el2=0.0 actlr_el2=0.1 hcr_el2=1.0 mdcr_el2=1.1 cptr_el2=1.2 hstr_el2=1.3 hfgrtr_el2=1.4 hfgwtr_el2=1.5
  hfgitr_el2=1.6 hacr_el2=1.7 zcr_el2=2.0 trfcr_el2=2.1 hcrx_el2=2.2 smprimap_el2=2.5 smcr_el2=2.6 sder32_el2=3.1
3 4 2: ttbr0_el2=0.0 ttbr1_el2=0.1 tcr_el2=0.2 vttbr_el2=1.0 vtcr_el2=1.2 vncr_el2=2.0 vsttbr_el2=6.0 vstcr_el2=6.2
3 4 3: dacr32_el2=0.0 hdfgrtr_el2=1.4 hdfgwtr_el2=1.5 hafgrtr_el2=1.6
3 4 4: spsr_el2=0.0 elr_el2=0.1 sp_el1=1.0 spsr_irq=3.0 spsr_abt=3.1 spsr_und=3.2 spsr_fiq=3.3
3 4 5: ifsr32_el2=0.1 afsr0_el2=1.0 afsr1_el2=1.1 esr_el2=2.0 vsesr_el2=2.3 fpexc32_el2=3.0 tfsr_el2=6.0
3 4 6: far_el2=0.0 hpfar_el2=0.4 prenr_el2=1.1 prselr_el2=2.1 prbar_el2=8.0 prlar_el2=8.1 prbar1_el2=8.4
  prlar1_el2=8.5 prbar2_el2=9.0 prlar2_el2=9.1 prbar3_el2=9.4 prlar3_el2=9.5 prbar4_el2=10.0 prlar4_el2=10.1
  prbar5_el2=10.4 prlar5_el2=10.5 prbar6_el2=11.0 prlar6_el2=11.1 prbar7_el2=11.4 prlar7_el2=11.5 prbar8_el2=12.0
  prlar8_el2=12.1 prbar9_el2=12.4 prlar9_el2=12.5 prbar10_el2=13.0 prlar10_el2=13.1 prbar11_el2=13.4
  prlar11_el2=13.5 prbar12_el2=14.0 prlar12_el2=14.1 prbar13_el2=14.4 prlar13_el2=14.5 prbar14_el2=15.0
  prlar14_el2=15.1 prbar15_el2=15.4 prlar15_el2=15.5
3 4 9: pmscr_el2=9.0
3 4 10: mair_el2=2.0 amair_el2=3.0 mpamhcr_el2=4.0 mpamvpmv_el2=4.1 mpam2_el2=5.0 mpamvpm0_el2=6.0 mpamvpm1_el2=6.1
  mpamvpm2_el2=6.2 mpamvpm3_el2=6.3 mpamvpm4_el2=6.4 mpamvpm5_el2=6.5 mpamvpm6_el2=6.6 mpamvpm7_el2=6.7
3 4 12: vbar_el2=0.0 rvbar_el2=0.1 rmr_el2=0.2 vdisr_el2=1.1 ich_ap0r0_el2=8.0 ich_ap0r1_el2=8.1 ich_ap0r2_el2=8.2
  ich_ap0r3_el2=8.3 ich_ap1r0_el2=9.0 ich_ap1r1_el2=9.1 ich_ap1r2_el2=9.2 ich_ap1r3_el2=9.3 icc_sre_el2=9.5
  ich_hcr_el2=11.0 ich_vtr_el2=11.1 ich_misr_el2=11.2 ich_eisr_el2=11.3 ich_elrsr_el2=11.5 ich_vmcr_el2=11.7
  ich_lr0_el2=12.0 ich_lr1_el2=12.1 ich_lr2_el2=12.2 ich_lr3_el2=12.3 ich_lr4_el2=12.4 ich_lr5_el2=12.5
  ich_lr6_el2=12.6 ich_lr7_el2=12.7 ich_lr8_el2=13.0 ich_lr9_el2=13.1 ich_lr10_el2=13.2 ich_lr11_el2=13.3
  ich_lr12_el2=13.4 ich_lr13_el2=13.5 ich_lr14_el2=13.6 ich_lr15_el2=13.7
3 4 13: contextidr_el2=0.1 tpidr_el2=0.2 scxtnum_el2=0.7 amevcntvoff00_el2=8.0 amevcntvoff01_el2=8.1
  amevcntvoff02_el2=8.2 amevcntvoff03_el2=8.3 amevcntvoff04_el2=8.4 amevcntvoff05_el2=8.5 amevcntvoff06_el2=8.6
  amevcntvoff07_el2=8.7 amevcntvoff08_el2=9.0 amevcntvoff09_el2=9.1 amevcntvoff010_el2=9.2 amevcntvoff011_el2=9.3
  amevcntvoff012_el2=9.4 amevcntvoff013_el2=9.5 amevcntvoff014_el2=9.6 amevcntvoff015_el2=9.7 amevcntvoff10_el2=10.0
  amevcntvoff11_el2=10.1 amevcntvoff12_el2=10.2 amevcntvoff13_el2=10.3 amevcntvoff14_el2=10.4 amevcntvoff15_el2=10.5
  amevcntvoff16_el2=10.6 amevcntvoff17_el2=10.7 amevcntvoff18_el2=11.0 amevcntvoff19_el2=11.1
  amevcntvoff110_el2=11.2 amevcntvoff111_el2=11.3 amevcntvoff112_el2=11.4 amevcntvoff113_el2=11.5
  amevcntvoff114_el2=11.6 amevcntvoff115_el2=11.7
3 4 14: cntvoff_el2=0.3 cntpoff_el2=0.6 cnthctl_el2=1.0 cnthp_tval_el2=2.0 cnthp_ctl_el2=2.1 cnthp_cval_el2=2.2
  cnthv_tval_el2=3.0 cnthv_ctl_el2=3.1 cnthv_cval_el2=3.2 cnthvs_tval_el2=4.0 cnthvs_ctl_el2=4.1 cnthvs_cval_el2=4.2
  cnthps_tval_el2=5.0 cnthps_ctl_el2=5.1 cnthps_cval_el2=5.2
3 5 1: sctlr_el12=0.0 cpacr_el12=0.2 zcr_el12=2.0 trfcr_el12=2.1 smcr_el12=2.6
3 5 2: ttbr0_el12=0.0 ttbr1_el12=0.1 tcr_el12=0.2
3 5 4: spsr_el12=0.0 elr_el12=0.1
3 5 5: afsr0_el12=1.0 afsr1_el12=1.1 esr_el12=2.0 tfsr_el12=6.0
3 5 6: far_el12=0.0
3 5 9: pmscr_el12=9.0
3 5 10: mair_el12=2.0 amair_el12=3.0 mpam1_el12=5.0
3 5 12: vbar_el12=0.0
3 5 13: contextidr_el12=0.1 scxtnum_el12=0.7
3 5 14: cntkctl_el12=1.0 cntp_tval_el02=2.0 cntp_ctl_el02=2.1 cntp_cval_el02=2.2 cntv_tval_el02=3.0
  cntv_ctl_el02=3.1 cntv_cval_el02=3.2
3 6 1: sctlr_el3=0.0 actlr_el3=0.1 scr_el3=1.0 sder32_el3=1.1 cptr_el3=1.2 zcr_el3=2.0 smcr_el3=2.6 mdcr_el3=3.1
3 6 2: ttbr0_el3=0.0 tcr_el3=0.2 gptbr_el3=1.4 gpccr_el3=1.6
3 6 4: spsr_el3=0.0 elr_el3=0.1 sp_el2=1.0
3 6 5: afsr0_el3=1.0 afsr1_el3=1.1 esr_el3=2.0 tfsr_el3=6.0
3 6 6: far_el3=0.0 mfar_el3=0.5
3 6 10: mair_el3=2.0 amair_el3=3.0 mpam3_el3=5.0
3 6 12: vbar_el3=0.0 rvbar_el3=0.1 rmr_el3=0.2 icc_ctlr_el3=12.4 icc_sre_el3=12.5 icc_igrpen1_el3=12.7
3 6 13: tpidr_el3=0.2 scxtnum_el3=0.7
3 7 14: cntps_tval_el1=2.0 cntps_ctl_el1=2.1 cntps_cval_el1=2.2
`;

const byId = new Map<number, string>();
const byName = new Map<string, number>();

const define = (name: string, id: number): void => {
  byId.set(id, name);
  byName.set(name, id);
};

let group = 0;
for (const token of NAMES.trim().split(/\s+(?=\d \d \d+:)|\s+(?=\S+=)/)) {
  const header = /^(\d) (\d) (\d+):$/.exec(token);
  const entry = /^(\S+)=(#|\d+)\.(\d)$/.exec(token);
  if (header) group = (Number(header[1]) << 14) | (Number(header[2]) << 11) | (Number(header[3]) << 7);
  else if (entry) {
    const [, name = '', crm = '', op2 = ''] = entry;
    const all = crm === '#' ? [...Array(16).keys()] : [Number(crm)];
    for (const n of all) define(name.replace('#', String(n)), group | (n << 3) | Number(op2));
  } else throw new RangeError(`system register names: "${token}"`);
}

/** Which way a register moves: two names share an encoding. */
export type Direction = 'read' | 'write';
const DEBUG_DATA = (2 << 14) | (3 << 11) | (0 << 7) | (5 << 3) | 0;
byName.set('dbgdtrrx_el0', DEBUG_DATA);
byName.set('dbgdtrtx_el0', DEBUG_DATA);

const generic = (id: number): string =>
  `s${String(id >>> 14)}_${String((id >>> 11) & 7)}_c${String((id >>> 7) & 15)}_c${String((id >>> 3) & 15)}_${String(id & 7)}`;

/** The name of the encoding op0:op1:CRn:CRm:op2; one like `s3_0_c15_c2_0` where it has none. */
export function systemRegisterName(id: number, direction: Direction): string {
  if (id === DEBUG_DATA) return direction === 'read' ? 'dbgdtrrx_el0' : 'dbgdtrtx_el0';
  return byId.get(id) ?? generic(id);
}

/** The encoding of a name in lower case, or undefined where there is none. */
export function systemRegisterId(name: string): number | undefined {
  const named = byName.get(name);
  if (named !== undefined) return named;
  const match = /^s([23])_([0-7])_c(\d{1,2})_c(\d{1,2})_([0-7])$/.exec(name);
  if (match === null) return undefined;
  const [op0 = 0, op1 = 0, crn = 0, crm = 0, op2 = 0] = match.slice(1).map(Number);
  return crn > 15 || crm > 15 ? undefined : (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;
}
