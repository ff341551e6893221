// TLB and cache maintenance and address translation of the guest's kernel (DDI 0487 C5.3 to C5.5), by the instruction table's names.

import { disassemble } from '@worldswitch/isa-core';
import type { Word64 } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';

import { Sctlr } from './controls.ts';
import type { Emulation } from './emulation.ts';
import { AccessKind, Answer } from './guest-memory.ts';
import type { TlbMaintenance } from './guest-memory.ts';
import type { Handler } from './system-registers.ts';

const SCTLR_EL1 = systemRegister('SCTLR_EL1');
const PAR_EL1 = systemRegister('PAR_EL1');

/** `tlbi vae1is, x0` without its operand. */
export function maintenanceNameOf(word: number): string {
  const [name = ''] = (disassemble(word) ?? 'undefined').split(',');
  const [what = '', ...rest] = name.trim().split(/\s+/);
  return `${what} ${rest.join(' ')}`.trim();
}

const kernelOnly =
  (run: Handler): Handler =>
  (e) => {
    if (e.vcpu.level === 0) e.undefined();
    else run(e);
  };

/** EL1's forms, of one CPU or broadcast: a VM's vCPUs share what they invalidate. */
const tlbi = /^tlbi (vmalle1|vae1|aside1|vaae1|vale1|vaale1)(is)?$/;
const at = /^at s1e([01])([rw])$/;
/** By set and way, and all instruction caches: there is nothing that the guest could see. */
const whole = /^(dc (isw|csw|cisw)|ic iallu(is)?)$/;
const byAddress = /^(dc (ivac|cvac|cvau|civac)|ic ivau)$/;

/** The handler of a SYS instruction, or undefined where EL1 has none. */
export function maintenanceHandler(word: number): Handler | undefined {
  const name = maintenanceNameOf(word);
  const t = word & 31;
  const [, kind] = tlbi.exec(name) ?? [];
  if (kind !== undefined) {
    const what = kind.toUpperCase() as TlbMaintenance;
    return kernelOnly((e) => {
      e.port.readX(t, e.value);
      e.vm.memory.invalidate(e.port, e.vcpu, what, e.value.lo, e.value.hi);
      e.next();
    });
  }
  const [, level, direction] = at.exec(name) ?? [];
  if (level !== undefined)
    return kernelOnly((e) => {
      translate(e, t, direction === 'w', level === '1');
    });
  if (whole.test(name)) return kernelOnly(done);
  if (byAddress.test(name)) return addressHandler(name, t);
  // Where DC ZVA traps at all, it is the guest's SCTLR_EL1.DZE.
  return name === 'dc zva'
    ? (e): void => {
        e.trapped();
      }
    : undefined;
}

const done: Handler = (e) => {
  e.next();
};

const par: Word64 = { lo: 0, hi: 0 };

function translate(e: Emulation, t: number, write: boolean, privileged: boolean): void {
  e.port.readX(t, e.value);
  e.vm.memory.addressTranslation(e.port, e.vcpu, e.value, write, privileged, par);
  e.vcpu.set(PAR_EL1, par.lo, par.hi);
  e.next();
}

/** A fault status with CM and, as for all cache maintenance, WnR (DDI 0487 D17.2.37). */
const CM_WNR = 0x140;
const DATA_ABORT = 0x24;

/** Maintenance by address: it faults as the access that it stands for. EL0 needs SCTLR_EL1.UCI. */
function addressHandler(name: string, t: number): Handler {
  const invalidates = name === 'dc ivac';
  return (e) => {
    const { vcpu } = e;
    if (vcpu.level === 0) {
      if (invalidates) e.undefined();
      else if ((vcpu.get(SCTLR_EL1) & Sctlr.UCI) === 0) e.trapped();
      else e.next();
      return;
    }
    e.port.readX(t, e.value);
    const kind = invalidates ? AccessKind.Write : AccessKind.Read;
    const answer = e.vm.memory.translate(e.port, vcpu, e.value, kind, true);
    if (answer === Answer.Abort) e.raise(DATA_ABORT, CM_WNR | e.vm.memory.status, e.value, DATA_ABORT + 1);
    else e.next();
  };
}
