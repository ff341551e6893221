// A hypervisor of a hundred lines around the translator, on flat memory: the guest's kernel runs from the cache at EL0. A BRK ends it;
// single steps stop it at any word.

import { assembleProgram, systemOperation } from '@worldswitch/isa-core';
import type { CpuPort, Exception, Leave } from '@worldswitch/platform';

import { CodeCache } from '../../src/binary-translation/code-cache.ts';
import type { CacheWord } from '../../src/binary-translation/code-cache.ts';
import { Call } from '../../src/binary-translation/draft.ts';
import { recover } from '../../src/binary-translation/precise.ts';
import { pageRegisters, StatePage } from '../../src/binary-translation/state-page.ts';
import { translate } from '../../src/binary-translation/translate.ts';
import { VirtualRegisterPage } from '../../src/binary-translation/virtual-registers.ts';
import {
  COMPARED,
  load,
  msr,
  off,
  mrs,
  outcomeOf,
  prepare,
  run,
  STACK,
  store,
  TEXT,
  value,
  word,
} from './rig.ts';
import type { Outcome } from './rig.ts';

const PAGE = 0x4030_0000;
const CACHE = 0x4040_0000;

/** How it is run. */
export interface Way {
  /** Bytes of the cache. */
  readonly cache?: number;
  readonly inline?: boolean;
  /** Most instructions of a unit. */
  readonly most?: number;
  /** Stops at the n-th word that is executed: everything is put back, and it goes on by a new look for the unit. */
  readonly stop?: (step: number) => boolean;
  /** Falsifiers. */
  readonly without?: 'recovery' | 'chaining' | 'forgetting';
}

/** What came of it. */
export interface Told {
  readonly outcome: Outcome;
  readonly cache: CodeCache;
  /** Calls of the hypervisor by what for. */
  readonly calls: readonly number[];
  /** The same before the given number of instructions. */
  readonly stops: number;
}

/** N, Z, C and V of what was interrupted. */
const FLAGS = 0xf000_0000n;
const SPSR_STEP = 0x20_0000n;
const EC_SVC = 0x15;
const EC_STEP = 0x32;
const EC_BRK = 0x3c;
/** SCTLR_EL1: DC and IC by address, DC ZVA and CTR_EL0 at EL0. */
const USER_CACHES = 0x0400_c000n;

class Hypervisor {
  readonly calls = [0, 0, 0, 0, 0];
  stops = 0;
  outcome: Outcome | undefined;
  readonly cache: CodeCache;
  private steps = 0;
  private readonly page = new VirtualRegisterPage(PAGE);
  private port!: CpuPort;
  private readonly way: Way;
  private readonly text: readonly number[];
  private readonly registers: readonly bigint[];

  constructor(text: readonly number[], registers: readonly bigint[], way: Way) {
    this.text = text;
    this.registers = registers;
    this.way = way;
    this.cache = new CodeCache(
      CACHE,
      way.cache ?? 0x10_0000,
      {
        write: (address, words) => {
          words.forEach((one, i) => {
            store(this.port, address + 4 * i, BigInt(one), 4);
            this.port.operate(systemOperation('IC IVAU'), address + 4 * i, 0);
          });
          this.port.operate(systemOperation('DSB ISH'));
        },
      },
      1,
      way.without !== 'chaining',
    );
  }

  boot(port: CpuPort): Leave {
    this.port = port;
    prepare(port, this.text, this.registers);
    this.page.initialise(port);
    store(port, PAGE + StatePage.DAIF, 0x3c0n, 4);
    msr(port, 'VBAR_EL1', value(port.page));
    msr(port, 'TPIDRRO_EL0', BigInt(PAGE));
    msr(port, 'SCTLR_EL1', mrs(port, 'SCTLR_EL1') | USER_CACHES);
    msr(port, 'SP_EL0', BigInt(STACK));
    if (this.way.stop) {
      msr(port, 'OSLAR_EL1', 0n);
      msr(port, 'MDSCR_EL1', 1n);
    }
    return this.go(TEXT);
  }

  private placeOf(pc: number): number {
    const known = this.cache.place(pc);
    if (known !== undefined) return known;
    const { emptied } = this.cache.counts;
    const draft = translate(pc, (at) => Number(load(this.port, at, 4)), {
      most: this.way.most ?? 128,
      inline: this.way.inline ?? true,
      banked: true,
      lowerIsUsers: true,
      context: 0,
      known: (at) => this.cache.place(at) !== undefined,
    });
    if (draft === undefined) throw new Error('nothing to translate');
    const unit = this.cache.add(draft, Math.floor(pc / 0x1000));
    if (this.cache.counts.emptied !== emptied) this.page.emptyTable(this.port, 0);
    return unit.base + 4;
  }

  private resume(address: number): Leave {
    msr(this.port, 'ELR_EL1', BigInt(address));
    const flags = mrs(this.port, 'SPSR_EL1') & FLAGS;
    msr(this.port, 'SPSR_EL1', flags | (this.way.stop ? SPSR_STEP : 0n));
    return 'eret';
  }

  /** To the guest's instruction at an address. */
  private go(pc: number): Leave {
    return this.resume(this.placeOf(pc));
  }

  take(_: Exception, port: CpuPort): Leave {
    this.port = port;
    const syndrome = Number(mrs(port, 'ESR_EL1'));
    const address = Number(mrs(port, 'ELR_EL1'));
    switch (syndrome >>> 26) {
      case EC_SVC:
        return this.call(syndrome & 0xffff, this.wordAt(address - 4), address);
      case EC_STEP: {
        if (this.way.stop?.(this.steps++) !== true) return this.resume(address);
        this.stops++;
        return this.go(this.recover(this.wordAt(address)));
      }
      case EC_BRK:
        this.recover(this.wordAt(address));
        this.finish();
        return off(port);
      default:
        throw new Error(
          `an exception of class 0x${(syndrome >>> 26).toString(16)} at ${address.toString(16)}`,
        );
    }
  }

  private recover(at: CacheWord, called = false): number {
    if (this.way.without === 'recovery') return at.unit.pc + 4 * (at.unit.origins[at.at] ?? 0);
    return recover(this.port, this.cache, at, this.page, called);
  }

  private wordAt(address: number): CacheWord {
    const found = this.cache.at(address);
    if (found === undefined) throw new Error(`${address.toString(16)} is nowhere in the cache`);
    return found;
  }

  private call(call: number, at: CacheWord, address: number): Leave {
    this.calls[call] = (this.calls[call] ?? 0) + 1;
    if (call === Call.PENDING) return this.resume(address);
    const pc = this.recover(at, true);
    if (call === Call.EXIT) {
      const { emptied } = this.cache.counts;
      this.placeOf(pc);
      if (this.cache.counts.emptied === emptied && at.unit.alive) this.cache.chain(at.unit, at.at, pc);
      return this.go(pc);
    }
    const instruction = at.unit.source[at.unit.origins[at.at] ?? 0] ?? 0;
    return call === Call.INDIRECT ? this.indirect(instruction, pc) : this.emulate(instruction, pc);
  }

  private indirect(instruction: number, pc: number): Leave {
    const out = word();
    this.port.readX((instruction >>> 5) & 31, out);
    const target = out.lo;
    if (((instruction >>> 21) & 3) === 1) this.port.writeX(30, pc + 4, 0);
    this.placeOf(target);
    const landing = this.cache.landing(target);
    if (landing !== undefined) this.page.enterTable(this.port, target, landing);
    return this.go(target);
  }

  /** BRK, IC IVAU, barriers, and MRS and MSR where they are not in line. */
  private emulate(instruction: number, pc: number): Leave {
    const out = word();
    const register = instruction & 31;
    if ((instruction & 0xffff_ffe0) >>> 0 === 0xd50b_7520) {
      this.port.readX(register, out);
      if (this.way.without !== 'forgetting') {
        this.cache.forgetPage(out.lo);
        this.page.emptyTable(this.port, 0);
      }
    } else throw new Error(`0x${instruction.toString(16)} is not emulated here`);
    return this.go(pc + 4);
  }

  private finish(): void {
    const { port } = this;
    const system: Record<string, bigint> = {
      SP: mrs(port, 'SP_EL0'),
      DAIF: load(port, PAGE + StatePage.DAIF, 4),
    };
    for (const name of COMPARED)
      system[name] = load(port, PAGE + (pageRegisters.find((r) => r.name === name)?.offset ?? 0));
    this.outcome = outcomeOf(port, system);
  }
}

/** What a program does from the cache, at EL0. */
export function translated(
  text: string,
  registers: readonly bigint[],
  way: Way = {},
  most = 20_000_000,
): Told {
  const { words } = assembleProgram(text, TEXT);
  const hypervisor = new Hypervisor([...words], registers, way);
  run(hypervisor, most);
  const { outcome, cache, calls, stops } = hypervisor;
  if (outcome === undefined) throw new Error('no BRK came');
  return { outcome, cache, calls, stops };
}
