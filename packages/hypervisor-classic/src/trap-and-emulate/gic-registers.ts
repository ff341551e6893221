// The GICv3 CPU interface's registers of a guest, ICC_*_EL1 (IHI 0069 12.2): each access of its kernel traps, and is done by the model that
// the VM has. With a GICv2 there are none.

import { systemRegisterNames } from '@worldswitch/isa-core';
import { EmulatedGicV3 } from '@worldswitch/vmm';

import type { SpecialRegister } from './special-registers.ts';

/** Those of EL1, by name. What a write makes pending, or unmasks, is taken when the guest goes on. */
export const gicRegisters: Readonly<Record<string, SpecialRegister>> = Object.fromEntries(
  systemRegisterNames
    .filter((name) => /^ICC_.*_EL1$/.test(name))
    .map((name): [string, SpecialRegister] => [
      name,
      {
        read: ({ vm: { gic }, vcpu, value }) => {
          if (!(gic instanceof EmulatedGicV3)) return false;
          gic.read(vcpu.index, name, value);
          return undefined;
        },
        write: ({ vm: { gic }, vcpu, value }) => {
          if (!(gic instanceof EmulatedGicV3)) return false;
          gic.write(vcpu.index, name, value.lo, value.hi);
          return undefined;
        },
      },
    ]),
);
