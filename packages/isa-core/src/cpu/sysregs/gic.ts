// The GICv3 CPU interface's registers: which of ICC and ICV an access reaches, and the traps (IHI 0069 4.6.3, 12.2 to 12.4).
// The values are in the bank that the board plugs in; without one every access is UNDEFINED.

import type { Cpu } from '../cpu.ts';
import type { Definition, TrapControl } from './entry.ts';
import { HCR } from './traps.ts';

/** The register that every GICv3's bank has. */
const present = (cpu: Cpu): boolean => cpu.bankRegister('ICC_SRE_EL1') !== undefined;

/** Bits of ICH_HCR_EL2 that trap EL1's accesses to EL2. */
const TRAP = { TC: 1n << 10n, TALL0: 1n << 11n, TALL1: 1n << 12n, TDIR: 1n << 14n } as const;

/** SCR_EL3.IRQ and FIQ: the group is EL3's. */
const SCR = { IRQ: 2n, FIQ: 4n } as const;

/** What a register belongs to: a group, or both. */
interface Kind {
  /** HCR_EL2 bits any of which makes the register EL1's virtual one. */
  readonly virtual: bigint;
  /** ICH_HCR_EL2 bits any of which traps EL1. */
  readonly trapped: bigint;
  /** SCR_EL3 bits all of which make the register EL3's. */
  readonly el3: bigint;
}
const GROUP0: Kind = { virtual: HCR.FMO, trapped: TRAP.TALL0, el3: SCR.FIQ };
const GROUP1: Kind = { virtual: HCR.IMO, trapped: TRAP.TALL1, el3: SCR.IRQ };
const COMMON: Kind = { virtual: HCR.FMO | HCR.IMO, trapped: TRAP.TC, el3: SCR.IRQ | SCR.FIQ };
const DEACTIVATE: Kind = { ...COMMON, trapped: TRAP.TC | TRAP.TDIR };

const value = (cpu: Cpu, name: string): bigint => cpu.bankRegister(name)?.read() ?? 0n;

/** True where EL1's accesses to registers of a kind are to the virtual CPU interface. */
const isVirtual = (cpu: Cpu, kind: Kind): boolean =>
  cpu.state.el === 1 && cpu.el2Enabled && (cpu.hcr & kind.virtual) !== 0n;

const isTrapped = (cpu: Cpu, kind: Kind): boolean =>
  cpu.state.el === 1 && cpu.el2Enabled && (value(cpu, 'ICH_HCR_EL2') & kind.trapped) !== 0n;

const isEl3s = (cpu: Cpu, kind: Kind): boolean =>
  cpu.state.el < 3 && cpu.features.el3 && (cpu.register('SCR_EL3') & kind.el3) === kind.el3;

/** EL2's trap comes first; what is virtual is not EL3's. */
const access =
  (kind: Kind): TrapControl =>
  (cpu) => {
    if (isTrapped(cpu, kind)) return { el: 2 };
    return !isVirtual(cpu, kind) && isEl3s(cpu, kind) ? { el: 3 } : undefined;
  };

/** SGIs have no virtual registers: where the guest's interrupts are virtual, sending one is the hypervisor's. */
const send: TrapControl = (cpu) => {
  if (isTrapped(cpu, COMMON) || isVirtual(cpu, COMMON)) return { el: 2 };
  return isEl3s(cpu, COMMON) ? { el: 3 } : undefined;
};

/** ICC_SRE_EL2.Enable and ICC_SRE_EL3.Enable let lower levels at ICC_SRE_ELx. */
const ENABLE = 8n;
const enableAccess: TrapControl = (cpu) => {
  const { el } = cpu.state;
  if (el === 1 && cpu.el2Enabled && (value(cpu, 'ICC_SRE_EL2') & ENABLE) === 0n) return { el: 2 };
  if (el < 3 && cpu.features.el3 && (value(cpu, 'ICC_SRE_EL3') & ENABLE) === 0n) return { el: 3 };
  return undefined;
};

const [readOnly, writeOnly] = [{ minWrite: 4 }, { minRead: 4 }];

/** A register of the physical interface, which EL1 reaches under its own name or as ICV. */
function icc(
  suffix: string,
  crn: number,
  crm: number,
  op2: number,
  kind: Kind,
  more: Partial<Definition> = {},
): Definition {
  const [physical, virtual] = [`ICC_${suffix}`, `ICV_${suffix}`];
  return {
    name: physical,
    at: [3, 0, crn, crm, op2],
    present,
    bank: (cpu) => (isVirtual(cpu, kind) ? virtual : physical),
    traps: [access(kind)],
    ...more,
  };
}

/** A register with one meaning at every level that may access it. */
function other(
  name: string,
  at: Definition['at'],
  traps: readonly TrapControl[] = [],
  more: Partial<Definition> = {},
): Definition {
  return { name, at, present, bank: () => name, traps, ...more };
}

/** Active priorities beyond the first 32: five priority bits need none, so they are UNDEFINED. */
const beyond = (name: string, at: Definition['at']): Definition => ({
  name,
  at,
  present,
  minRead: 4,
  minWrite: 4,
});

const acknowledges = { ...readOnly, acknowledges: true } as const;

const physical: readonly Definition[] = [
  icc('PMR_EL1', 4, 6, 0, COMMON),
  icc('IAR0_EL1', 12, 8, 0, GROUP0, acknowledges),
  icc('EOIR0_EL1', 12, 8, 1, GROUP0, writeOnly),
  icc('HPPIR0_EL1', 12, 8, 2, GROUP0, readOnly),
  icc('BPR0_EL1', 12, 8, 3, GROUP0),
  icc('AP0R0_EL1', 12, 8, 4, GROUP0),
  icc('AP1R0_EL1', 12, 9, 0, GROUP1),
  icc('DIR_EL1', 12, 11, 1, DEACTIVATE, writeOnly),
  icc('RPR_EL1', 12, 11, 3, COMMON, readOnly),
  other('ICC_SGI1R_EL1', [3, 0, 12, 11, 5], [send], writeOnly),
  other('ICC_ASGI1R_EL1', [3, 0, 12, 11, 6], [send], writeOnly),
  other('ICC_SGI0R_EL1', [3, 0, 12, 11, 7], [send], writeOnly),
  icc('IAR1_EL1', 12, 12, 0, GROUP1, acknowledges),
  icc('EOIR1_EL1', 12, 12, 1, GROUP1, writeOnly),
  icc('HPPIR1_EL1', 12, 12, 2, GROUP1, readOnly),
  icc('BPR1_EL1', 12, 12, 3, GROUP1),
  icc('CTLR_EL1', 12, 12, 4, COMMON),
  other('ICC_SRE_EL1', [3, 0, 12, 12, 5], [enableAccess]),
  icc('IGRPEN0_EL1', 12, 12, 6, GROUP0),
  icc('IGRPEN1_EL1', 12, 12, 7, GROUP1),
  other('ICC_SRE_EL2', [3, 4, 12, 9, 5], [enableAccess]),
  other('ICC_CTLR_EL3', [3, 6, 12, 12, 4]),
  other('ICC_SRE_EL3', [3, 6, 12, 12, 5]),
  other('ICC_IGRPEN1_EL3', [3, 6, 12, 12, 7]),
  ...[1, 2, 3].flatMap((n) => [
    beyond(`ICC_AP0R${n}_EL1`, [3, 0, 12, 8, 4 + n]),
    beyond(`ICC_AP1R${n}_EL1`, [3, 0, 12, 9, n]),
    beyond(`ICH_AP0R${n}_EL2`, [3, 4, 12, 8, n]),
    beyond(`ICH_AP1R${n}_EL2`, [3, 4, 12, 9, n]),
  ]),
];

const hypervisor: readonly Definition[] = [
  other('ICH_AP0R0_EL2', [3, 4, 12, 8, 0]),
  other('ICH_AP1R0_EL2', [3, 4, 12, 9, 0]),
  other('ICH_HCR_EL2', [3, 4, 12, 11, 0]),
  other('ICH_VTR_EL2', [3, 4, 12, 11, 1], [], readOnly),
  other('ICH_MISR_EL2', [3, 4, 12, 11, 2], [], readOnly),
  other('ICH_EISR_EL2', [3, 4, 12, 11, 3], [], readOnly),
  other('ICH_ELRSR_EL2', [3, 4, 12, 11, 5], [], readOnly),
  other('ICH_VMCR_EL2', [3, 4, 12, 11, 7]),
  ...Array.from({ length: 16 }, (_, n) => other(`ICH_LR${n}_EL2`, [3, 4, 12, 12 + (n >> 3), n & 7])),
];

/** All of them. */
export const interruptController: readonly Definition[] = [...physical, ...hypervisor];

/** SCR_EL3.NS clear, at EL3, SCR_EL3.FIQ, SCR_EL3.IRQ: bits of `ICC_PE_STATE` of the bank. */
function interfaceState(cpu: Cpu): bigint {
  const scr = cpu.register('SCR_EL3');
  const routing = ((scr & SCR.FIQ) !== 0n ? 4n : 0n) | ((scr & SCR.IRQ) !== 0n ? 8n : 0n);
  return routing | (cpu.secureBelow3 ? 1n : 0n) | (cpu.state.el === 3 ? 2n : 0n);
}

/** Tells the CPU interface where the CPU is: it signals by the Security state, which only EL3 changes. */
export function tellInterface(cpu: Cpu): void {
  if (!cpu.features.el3) return;
  const wires = cpu.bankRegister('ICC_PE_STATE');
  if (wires === undefined) return;
  const state = interfaceState(cpu);
  if (wires.read() !== state) wires.write(state);
}
