// One CPU: registers, translation, exceptions and interrupts, as the architecture has them. Engines execute instructions on it;
// this class is what is the same for all engines.

import { busPort, createControls, createWalker, restoreTlb, Tlb } from '@worldswitch/mmu';
import type { TlbPlace, TlbShape, TranslationControls, WalkObserver } from '@worldswitch/mmu';
import type { Bus, CpuPin, SystemRegisterBank, Transaction, Word64 } from '@worldswitch/platform';
import { Fault } from '@worldswitch/platform';

import { instructionEnded } from '../reference/host.ts';
import type { ReferenceHost } from '../reference/host.ts';
import type { Access, Raise } from '../semantics/builder.ts';
import { branchAddress } from './addresses.ts';
import { updateControls, updateTables } from './context.ts';
import { Debug } from './debug/debug.ts';
import { defaultTarget, takeException, takeSynchronous, takeUndefined, Vector } from './exceptions.ts';
import { absentFeatures, noCounts } from './features.ts';
import type { CpuCounters, CpuFeatures, Firmware } from './features.ts';
import { handlers, readSystemRegister } from './handlers.ts';
import { interruptStatus, Pin, takePendingInterrupt, updatePending, wakesUp } from './interrupts.ts';
import { Layout } from './layout.ts';
import { levelControls } from './level-controls.ts';
import type { LevelControls } from './level-controls.ts';
import { MemoryAccess } from './memory-access.ts';
import type { ArchitecturalObserver, Backing, CpuListener, CpuObserver, CpuOptions } from './options.ts';
import { Pmu } from './pmu/pmu.ts';
import { raise } from './raise.ts';
import { loadCpu, saveCpu } from './saved-state.ts';
import type { CpuSavedState } from './saved-state.ts';
import { Slice } from './slice.ts';
import type { SoftwareUnit } from './software/unit.ts';
import { CpuState } from './state.ts';
import { EC, syndrome } from './syndrome.ts';
import { setIdentification } from './sysregs/checked.ts';
import { tellInterface } from './sysregs/gic.ts';
import { findRegister, registerByName, systemRegisters } from './sysregs/table.ts';
import { fpTrap, HCR } from './sysregs/traps.ts';
import { Translator } from './translator.ts';

/** One CPU. */
export class Cpu implements ReferenceHost {
  readonly index: number;
  readonly state: CpuState;
  /** What is left to execute, and what was. */
  readonly slice: Slice;
  readonly bus: Bus;
  readonly memory: WebAssembly.Memory;
  readonly base: number;
  readonly features: CpuFeatures;
  readonly controls: TranslationControls;
  tlb: Tlb;
  readonly translator: Translator;
  readonly access: MemoryAccess;
  readonly debug: Debug = new Debug(this);
  readonly pmu: Pmu = new Pmu(this);
  readonly counters: CpuCounters = noCounts();
  /** Cells of SP_EL0 to SP_EL3. */
  readonly spCells: readonly number[];
  /** All CPUs of the inner shareable domain, this one among them: broadcast maintenance reaches them. */
  peers: readonly Cpu[] = [this];
  /** The engine's ear. */
  listener: CpuListener | undefined;
  observer: CpuObserver | undefined;
  /** Who compares this CPU's software with the same on another system. */
  architectural: ArchitecturalObserver | undefined;
  /** Software in TypeScript whose pages this CPU may fetch from. */
  software: SoftwareUnit | undefined;
  /** PMUIRQ has another level: an input of the interrupt controller, PPI 23 by convention. */
  pmuInterrupt: ((level: boolean) => void) | undefined;
  /** True in WFI until an interrupt is pending, in WFE until an event comes, and while the CPU is off. */
  waiting = false;
  /** What it waits for is an event: WFE. */
  waitingForEvent = false;
  /** Switched off (PSCI CPU_OFF, or not yet started): nothing but `reset` ends that. */
  off = false;
  /** The event register of WFE. */
  event = false;
  /** Levels of the pins, `Pin` bits. */
  pinLevels = 0;
  /** Where execution starts after reset. */
  resetVector = 0n;
  private readonly options: CpuOptions;
  private readonly eventSources: NonNullable<SystemRegisterBank['events']>[] = [];
  private readonly backing = new Map<number, Backing>();
  private readonly banked = new Map<string, Backing>();
  private readonly unmodelled = new Set<number>();
  /** The current instruction, or what software in TypeScript does in the place of one. */
  word = 0;

  constructor(options: CpuOptions) {
    this.options = options;
    this.index = options.index;
    this.bus = options.bus;
    this.memory = options.memory;
    this.base = options.base;
    this.features = options.features;
    this.state = new CpuState(options.memory, options.base);
    this.slice = new Slice(this.state, options.costs);
    this.controls = createControls({ ...options.features.mmu, el2: options.features.el2 });
    const by: Transaction = {
      requester: options.index,
      streamId: -1,
      secure: false,
      privileged: true,
      fault: Fault.None,
    };
    this.tlb = this.listenTo(new Tlb(options.tlb));
    this.translator = new Translator(this, createWalker(this.controls, busPort(options.bus, { ...by })));
    this.access = new MemoryAccess(this, options.memory, by);
    this.spCells = ['SP_EL0', 'SP_EL1', 'SP_EL2']
      .map((name) => registerByName(name).cell)
      .concat(Layout.cellCount - 1);
    for (const bank of options.banks ?? []) this.plug(bank);
    this.reset({ pc: 0n, el: this.highestEl });
  }

  // ---- composition, state and reset

  private listenTo(tlb: Tlb): Tlb {
    tlb.listener = {
      dropped: (index, lo, hi) => this.listener?.dropped(index, lo, hi),
      droppedAll: () => this.listener?.droppedAll(),
    };
    return tlb;
  }
  /** Moves the TLB's arrays, so that an engine's code can read and fill them. What was read of them before is no longer theirs. */
  placeTlb(place: TlbPlace): void {
    this.tlbPlace = place;
    this.tlb = this.listenTo(this.tlb.movedTo(place));
  }
  private tlbPlace: TlbPlace | undefined;
  /** Everything that decides this CPU's future, but what its banks and the board hold. */
  save(): CpuSavedState {
    return saveCpu(this);
  }
  /** Becomes the saved CPU. The state has been checked by `cpuCodec`. */
  restore(saved: CpuSavedState, tlb: TlbShape = { sets: 512, ways: 4 }): void {
    loadCpu(this, saved);
    setIdentification(this);
    this.tlb = this.listenTo(restoreTlb(tlb, saved.tlb, this.tlbPlace));
    this.listener?.droppedAll();
    this.contextChanged();
    this.debug.changed();
    this.pmu.restored();
  }

  private plug(bank: SystemRegisterBank): void {
    const word: Word64 = { lo: 0, hi: 0 };
    if (bank.events) this.eventSources.push(bank.events);
    bank.registers.forEach((name, register) => {
      const backing: Backing = {
        read: () => {
          bank.read(this.index, register, word);
          return (BigInt(word.hi) << 32n) | BigInt(word.lo);
        },
        write: (value) => {
          bank.write(this.index, register, Number(value & 0xffff_ffffn), Number(value >> 32n));
          updatePending(this);
        },
      };
      this.banked.set(name, backing);
      const entry = findRegister(name);
      if (entry !== undefined && entry.acknowledges !== true) this.backing.set(entry.cell, backing);
    });
  }

  /** The highest exception level implemented. */
  get highestEl(): number {
    return this.features.el3 ? 3 : this.features.el2 ? 2 : 1;
  }

  /** Cold reset, and then the state in which firmware enters the first software. */
  reset(at: { readonly pc: bigint; readonly el: number; readonly x0?: bigint }): void {
    const { state } = this;
    state.bytes.fill(0);
    for (const entry of systemRegisters) state.setCell(entry.cell, entry.reset);
    setIdentification(this);
    if (!this.features.el2) state.setCell(registerByName('HCR_EL2').cell, 0n);
    this.setRegister('VPIDR_EL2', this.idRegister('MIDR_EL1'));
    this.setRegister('VMPIDR_EL2', this.idRegister('MPIDR_EL1'));
    // Software that is entered below EL3 finds the Non-secure state set up.
    if (this.features.el3 && at.el < 3) this.setRegister('SCR_EL3', 0x531n);
    state.setMode(at.el, 1, this.spCells);
    state.daif = 15;
    state.pc = at.pc;
    state.setX(0, at.x0 ?? 0n);
    this.resetVector = at.pc;
    this.waiting = this.waitingForEvent = this.off = false;
    this.event = false;
    this.tlb.reset();
    this.contextChanged();
    this.debug.changed();
    this.pmu.changed();
  }

  // ---- registers

  /** The value of a register of this CPU itself, with no traps and no side effects. */
  register(name: string): bigint {
    const { cell } = registerByName(name);
    return this.backing.get(cell)?.read() ?? this.state.cell(cell);
  }
  /** Sets the cell of a register, with no traps and no side effects. */
  setRegister(name: string, value: bigint): void {
    this.state.setCell(registerByName(name).cell, value);
  }
  /** What stands behind a cell that belongs to a bank. */
  bankOf(cell: number): Backing | undefined {
    return this.backing.get(cell);
  }
  /** A bank's register by name, with the effects that an access has. */
  bankRegister(name: string): Backing | undefined {
    return this.banked.get(name);
  }
  idRegister(name: string): bigint {
    return this.options.id[name] ?? 0n;
  }
  cacheSize(select: number): bigint {
    return this.options.cacheSizes?.[select] ?? 0n;
  }
  get fpcr(): bigint {
    return BigInt(this.state.word(Layout.fpcr));
  }
  set fpcr(value: bigint) {
    this.state.u64[Layout.fpcr / 8] = value;
  }
  get fpsr(): bigint {
    return BigInt(this.state.word(Layout.fpsr));
  }
  set fpsr(value: bigint) {
    this.state.u64[Layout.fpsr / 8] = value;
  }
  /** SP_EL0 from EL1 and above; UNDEFINED while it is the current stack pointer. */
  bankedSp0(): bigint {
    this.requireBankedSp0();
    return this.state.cell(this.spCells[0] ?? 0);
  }
  setBankedSp0(value: bigint): void {
    this.requireBankedSp0();
    this.state.setCell(this.spCells[0] ?? 0, value);
  }
  private requireBankedSp0(): void {
    if (this.state.spSel !== 0) return;
    takeUndefined(this);
    this.endInstruction();
  }
  /** MSR SPSel. */
  selectSp(spSel: number): void {
    this.state.setMode(this.state.el, spSel, this.spCells);
  }

  // ---- what the architecture's pseudocode asks

  /** HCR_EL2, or zero where there is no EL2. */
  get hcr(): bigint {
    return this.features.el2 ? this.hcrValue : 0n;
  }
  private hcrValue = 0n;
  setHcr(value: bigint): void {
    this.setRegister('HCR_EL2', value);
    this.contextChanged();
  }
  /** SCR_EL3.NS is 0: EL1 and EL0 are Secure. */
  get secureBelow3(): boolean {
    return this.features.el3 && (this.register('SCR_EL3') & 1n) === 0n;
  }
  get secure(): boolean {
    return this.state.el === 3 || this.secureBelow3;
  }
  get el2Enabled(): boolean {
    return this.features.el2 && !this.secureBelow3;
  }
  /** True when data accesses are big-endian at the current level. */
  get bigEndian(): boolean {
    return this.state.word(Layout.bigEndian) !== 0;
  }
  /** SCTLR_ELx.A of the current level. */
  alignmentChecked = false;
  /** True when DC ZVA would trap at the current level. */
  zeroBlockProhibited(): boolean {
    const { el } = this.state;
    if (el < 2 && this.el2Enabled && (this.hcr & HCR.TDZ) !== 0n) return true;
    return el === 0 && (this.register('SCTLR_EL1') & (1n << 14n)) === 0n;
  }
  interruptStatus(): bigint {
    return interruptStatus(this);
  }

  /** System registers have changed: recompute what translation, traps and byte order derive from them. */
  contextChanged(): void {
    this.hcrValue = this.register('HCR_EL2');
    this.state.setWord(Layout.absent, absentFeatures(this.features));
    updateControls(this);
    this.levels.fill(undefined);
    this.modeChanged();
  }
  /** By exception level, until a register changes. */
  private readonly levels: (LevelControls | undefined)[] = [undefined, undefined, undefined, undefined];

  /** TTBRn_ELx or VTTBR_EL2 has changed, which decides nothing but translation. */
  tablesChanged(): void {
    updateTables(this);
    this.translator.refresh();
    this.listener?.contextChanged();
  }

  /** The exception level or PSTATE has changed. */
  modeChanged(): void {
    const { state } = this;
    const level = (this.levels[state.el] ??= levelControls(this));
    this.alignmentChecked = level.alignmentChecked;
    this.spChecked = level.spChecked;
    state.setWord(Layout.bigEndian, level.bigEndian);
    state.setWord(Layout.cacheTraps, level.cacheTraps);
    state.setWord(Layout.fpTrap, level.fpTrap);
    state.setWord(Layout.accessTraps, level.accessTraps);
    state.setWord(Layout.spCheck, level.spChecked ? 15 : 0);
    this.translator.refresh();
    this.debug.modeChanged();
    this.pmu.modeChanged();
    tellInterface(this);
    updatePending(this);
    this.listener?.contextChanged();
  }
  private spChecked = false;

  // ---- interrupts and events

  /** Drives a pin; an interrupt controller's outputs end here. */
  setPin(pin: CpuPin, level: boolean): void {
    const bit = Pin[pin];
    this.pinLevels = level ? this.pinLevels | bit : this.pinLevels & ~bit;
    updatePending(this);
    if (this.waiting && !this.off && wakesUp(this)) this.waiting = false;
  }
  /** Stops until it is reset; its pins and what comes by broadcast still reach it. */
  switchOff(): void {
    this.off = this.waiting = true;
    this.waitingForEvent = false;
  }
  interruptsChanged(): void {
    updatePending(this);
  }
  /** Takes a pending interrupt that is not masked. True when it did, which costs one of `remaining`. */
  poll(): boolean {
    if (this.state.word(Layout.pendingPins) === 0) return false;
    this.slice.current = this.slice.costs?.least ?? 1;
    if (!takePendingInterrupt(this)) return false;
    this.slice.spend();
    return true;
  }
  /** WFI, also on behalf of firmware: waits unless an interrupt is pending. */
  waitForInterrupt(): void {
    if (wakesUp(this)) return;
    this.waiting = true;
    this.waitingForEvent = false;
  }
  /** WFE with the event register clear: waits for an event, or an interrupt. */
  waitForEvent(): void {
    if (wakesUp(this)) return;
    this.waiting = this.waitingForEvent = true;
    for (const source of this.eventSources) source.wait(this.index);
  }
  /** WFE: consumes the event register, which the timer's event streams may have set since the last one. */
  takeEvent(): boolean {
    let was = this.event;
    for (const source of this.eventSources) if (source.take(this.index)) was = true;
    this.event = false;
    return was;
  }
  /** An event comes: SEV, the timer's event stream, the loss of the exclusive monitor (DDI 0487 D1.16.1). */
  signalEvent(): void {
    this.event = true;
    if (this.waiting && this.waitingForEvent) this.waiting = this.waitingForEvent = false;
  }
  /** SEV: an event for every CPU. */
  sendEvent(): void {
    for (const peer of this.peers) peer.signalEvent();
  }
  /**
   * Other CPUs have executed: any of their stores may have been to the monitored granule. The monitor is cleared, which is an
   * event (DDI 0487 B2.9). A store-exclusive may always fail, so this needs no look at what they stored.
   */
  othersExecuted(): void {
    if (this.state.word(Layout.exclusiveOpen) === 0) return;
    this.clearExclusive();
    this.signalEvent();
  }
  /** An engine begins a slice: see `Slice.begin`. */
  beginSlice(budget: number): void {
    this.slice.begin(budget);
    this.pmu.begin();
  }
  /** What may be spent before an engine must call `settle` again: a counter may overflow then. */
  get untilEvent(): number {
    return this.pmu.untilEvent;
  }
  /** Brings up to date what depends on the number of executed instructions. Engines call it when a slice ends. */
  settle(): void {
    this.pmu.settle();
  }

  // ---- what instructions do (ReferenceHost)

  /** The word at the PC that `fetch` returned last. */
  currentWord(): number {
    return this.word;
  }
  /** Fetches the instruction at the PC, unless an engine has done so; -1 where software in TypeScript was there and ran. Aborts. */
  fetch(fetched?: number): number {
    if (this.debug.fetching) this.debug.checkStep();
    this.word = fetched ?? this.access.fetch();
    if (this.debug.fetching) this.debug.checkBreakpoints();
    if (this.state.il !== 0) {
      takeSynchronous(this, defaultTarget(this), EC.IllegalState, 0);
      this.endInstruction();
    }
    if (this.word < 0) this.word = this.software?.enter() ?? 0;
    return this.word;
  }
  load(va: bigint, bytes: number, align: number, how: Access): bigint {
    return this.access.load(va, bytes, align, how);
  }
  checkStore(va: bigint, bytes: number, align: number, how: Access): void {
    this.access.check(va, bytes, align, 1, how);
  }
  store(va: bigint, bytes: number, align: number, value: bigint, how: Access): void {
    this.access.store(va, bytes, align, value, how);
  }
  exclusiveAddress(va: bigint, bytes: number, write: boolean): number {
    return this.access.hostOf(va, bytes, write);
  }
  peek(offset: number, bytes: number): bigint {
    return this.access.peek(offset, bytes);
  }
  zeroBlock(va: bigint): void {
    this.access.zeroBlock(va);
  }
  cacheOp(va: bigint, as: 'read' | 'write' | 'fetch'): void {
    this.access.cacheOp(va, as);
  }
  branchTarget(va: bigint): bigint {
    return branchAddress(this, va);
  }
  raise(what: Raise, immediate: number): void {
    raise(this, what, immediate);
  }
  raiseFpTrap(): never {
    const trap = fpTrap(this, false);
    const ec = trap?.ec ?? EC.FpAccess;
    takeSynchronous(this, trap?.el ?? defaultTarget(this), ec, ec === EC.FpAccess ? 0x1e0_0000 : 0);
    return this.endInstruction();
  }
  callHandler(name: string, args: readonly bigint[]): bigint | undefined {
    if (name === 'mrs') {
      const value = readSystemRegister(this, Number(args[0] ?? 0n));
      if (value !== undefined) this.state.pc += 4n;
      return value;
    }
    const handler = handlers[name];
    if (handler === undefined) throw new Error(`no handler is called ${name}`);
    if (handler(this, args) === 'jumped') return undefined;
    this.state.pc += 4n;
    return 0n;
  }
  pcAlignmentFault(): void {
    const { pc } = this.state;
    const [el, esr] = [defaultTarget(this), syndrome(EC.PcAlignment)];
    takeException(this, { el, vector: Vector.Synchronous, esr, far: pc, pc });
  }
  /** A load or store whose base is SP: the stack pointer must be aligned where SCTLR_ELx.SA or SA0 says so. */
  checkSp(): void {
    if (!this.spChecked || (this.state.x(31) & 15n) === 0n) return;
    takeSynchronous(this, defaultTarget(this), EC.SpAlignment, 0);
    this.endInstruction();
  }
  clearExclusive(): void {
    this.state.setWord(Layout.exclusiveOpen, 0);
  }
  /** Ends the current instruction after its exception has been taken. */
  endInstruction(): never {
    throw instructionEnded;
  }
  /** An encoding that is not modelled: told once. */
  reportUnimplemented(id: number, write: boolean): void {
    if (this.unmodelled.has(id)) return;
    this.unmodelled.add(id);
    this.observer?.unimplemented(id, write);
  }
  /** The firmware of the board, for `raise`. */
  get firmware(): Firmware | undefined {
    return this.options.firmware;
  }
  /** Is told of every descriptor that a walk fetches. */
  get walkObserver(): WalkObserver | undefined {
    return this.translator.walker.observer;
  }
  set walkObserver(observer: WalkObserver | undefined) {
    this.translator.walker.observer = observer;
  }
}
