// From the syndrome registers to an exit (DDI 0487 D17.2.37, D17.2.61).

import { registerById } from '@worldswitch/isa-core';
import type { CpuPort, Exception, Ipa, Word64 } from '@worldswitch/platform';

import { systemOperation, systemRegister } from '../names.ts';
import type { AccessSyndrome, Exit, FaultKind } from './exit.ts';

const ESR_EL2 = systemRegister('ESR_EL2');
const FAR_EL2 = systemRegister('FAR_EL2');
const HPFAR_EL2 = systemRegister('HPFAR_EL2');
const PAR_EL1 = systemRegister('PAR_EL1');
const AT_S1E1R = systemOperation('AT S1E1R');
const ISB = systemOperation('ISB');

const ISV = 1 << 24;
const CM = 1 << 8;
const S1PTW = 1 << 7;
const WNR = 1 << 6;

const LEVELLED: readonly FaultKind[] = ['address-size', 'translation', 'access-flag', 'permission'];

/** What a fault status code says. */
export function faultKindOf(status: number): FaultKind {
  if (status < 0x10) return LEVELLED[status >> 2] ?? 'other';
  if (status === 0x10) return 'external';
  if (status >= 0x14 && status <= 0x17) return 'external-on-walk';
  if (status === 0x21) return 'alignment';
  return status === 0x30 ? 'tlb-conflict' : 'other';
}

function read(port: CpuPort, register: typeof ESR_EL2): Word64 {
  const out = { lo: 0, hi: 0 };
  port.readSystem(register, out);
  return out;
}

/** The page that HPFAR_EL2 or PAR_EL1 names, from its bits 51:12 at `shift`. */
const pageOf = ({ lo, hi }: Word64): number => (hi & 0xf_ffff) * 2 ** 32 + ((lo & ~0xfff) >>> 0);

/**
 * The IPA of a fault. HPFAR_EL2 does not say it for a permission fault on the access itself: there the guest's stage 1 is asked,
 * as the guest's own PAR_EL1 must not change.
 */
function faultIpa(port: CpuPort, va: Word64, fault: FaultKind, s1ptw: boolean): Ipa | -1 {
  if (fault !== 'permission' || s1ptw) {
    const { lo, hi } = read(port, HPFAR_EL2);
    const page = Math.floor((hi * 2 ** 32 + lo) / 16) * 4096;
    return (s1ptw ? page : page + (va.lo & 0xfff)) as Ipa;
  }
  const saved = read(port, PAR_EL1);
  port.operate(AT_S1E1R, va.lo, va.hi);
  port.operate(ISB);
  const par = read(port, PAR_EL1);
  port.writeSystem(PAR_EL1, saved.lo, saved.hi);
  return (par.lo & 1) === 0 ? ((pageOf(par) + (va.lo & 0xfff)) as Ipa) : -1;
}

function accessOf(esr: number): AccessSyndrome | undefined {
  if ((esr & ISV) === 0) return undefined;
  return {
    size: (1 << ((esr >>> 22) & 3)) as 1 | 2 | 4 | 8,
    signed: (esr & (1 << 21)) !== 0,
    register: (esr >>> 16) & 31,
    wide: (esr & (1 << 15)) !== 0,
    ordered: (esr & (1 << 14)) !== 0,
  };
}

/** Stage 2 faults have an IPA; alignment faults, external aborts and the like have none. */
const isStage2 = (fault: FaultKind): boolean => LEVELLED.includes(fault);

function abortExit(port: CpuPort, esr: number, data: boolean): Exit {
  const va = read(port, FAR_EL2);
  const status = esr & 63;
  const fault = faultKindOf(status);
  const s1ptw = (esr & S1PTW) !== 0;
  const ipa = isStage2(fault) ? faultIpa(port, va, fault, s1ptw) : (-1 as const);
  const common = { esr, va, ipa, status, fault, level: status & 3, s1ptw };
  if (!data) return { kind: 'instruction-abort', ...common };
  const write = (esr & WNR) !== 0;
  const maintenance = (esr & CM) !== 0;
  return { kind: 'data-abort', ...common, write, maintenance, access: accessOf(esr) };
}

function systemRegisterExit(esr: number): Exit {
  const op0 = (esr >>> 20) & 3;
  const op2 = (esr >>> 17) & 7;
  const op1 = (esr >>> 14) & 7;
  const crn = (esr >>> 10) & 15;
  const crm = (esr >>> 1) & 15;
  const id = (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;
  const name = registerById(id)?.name;
  return { kind: 'system-register', esr, id, name, register: (esr >>> 5) & 31, write: (esr & 1) === 0 };
}

function synchronousExit(port: CpuPort): Exit {
  const esr = read(port, ESR_EL2).lo;
  const ec = esr >>> 26;
  const immediate = esr & 0xffff;
  switch (ec) {
    case 0x00:
      return { kind: 'undefined', esr };
    case 0x01:
      return { kind: 'wfx', esr, event: (esr & 1) !== 0 };
    case 0x07:
      return { kind: 'fp', esr };
    case 0x0e:
      return { kind: 'illegal-state', esr };
    case 0x15:
      return { kind: 'svc', esr, immediate };
    case 0x16:
      return { kind: 'hvc', esr, immediate };
    case 0x17:
      return { kind: 'smc', esr, immediate };
    case 0x18:
      return systemRegisterExit(esr);
    case 0x19:
      return { kind: 'sve', esr };
    case 0x1a:
      return { kind: 'eret', esr };
    case 0x20:
      return abortExit(port, esr, false);
    case 0x22:
      return { kind: 'pc-alignment', esr, va: read(port, FAR_EL2) };
    case 0x24:
      return abortExit(port, esr, true);
    case 0x21:
    case 0x25:
      return { kind: 'host-fault', esr, va: read(port, FAR_EL2) };
    case 0x26:
      return { kind: 'sp-alignment', esr };
    case 0x2c:
      return { kind: 'fp-exception', esr };
    case 0x2f:
      return { kind: 'serror', esr };
    case 0x30:
      return { kind: 'breakpoint', esr, va: read(port, FAR_EL2) };
    case 0x32:
      return { kind: 'software-step', esr, va: read(port, FAR_EL2) };
    case 0x34:
      return { kind: 'watchpoint', esr, va: read(port, FAR_EL2) };
    case 0x3c:
      return { kind: 'brk', esr, immediate };
    default:
      return { kind: 'unknown', esr, ec };
  }
}

/** Why the guest stopped running. Reads the registers that say it, and none that do not. */
export function decodeExit(port: CpuPort, { kind }: Exception): Exit {
  switch (kind) {
    case 'irq':
    case 'fiq':
      return { kind, esr: 0 };
    case 'serror':
      return { kind, esr: read(port, ESR_EL2).lo };
    case 'synchronous':
      return synchronousExit(port);
  }
}
