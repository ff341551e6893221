import { assemble, systemOperation, systemRegister } from '@worldswitch/isa-core';
import { attachSoftware, createMachine, rawKernel } from '@worldswitch/machine';
import { stateCodec, uint } from '@worldswitch/platform';
import type { CpuPort, PrivilegedSoftware, SoftwareContext } from '@worldswitch/platform';

const VBAR = systemRegister('VBAR_EL2');
const ELR = systemRegister('ELR_EL2');
const SPSR = systemRegister('SPSR_EL2');
const SMC = systemOperation('SMC');

// Counts the calls of a guest at EL1; the third one switches the machine off.
const counter = ({ page }: SoftwareContext, calls = 0): PrivilegedSoftware<number> => ({
  boot(cpu: CpuPort) {
    cpu.writeSystem(VBAR, page, 0);
    cpu.writeSystem(ELR, 0x4020_0000, 0); // the guest
    cpu.writeSystem(SPSR, 0x3c5, 0); // EL1h, all masked
    return 'eret';
  },
  take(exception, cpu) {
    console.log(`${exception.kind} from ${exception.from}: call ${++calls}`);
    if (calls < 3) return 'eret';
    cpu.writeX(0, 0x8400_0008, 0); // PSCI SYSTEM_OFF
    cpu.operate(SMC);
    return 'wait';
  },
  save: () => calls,
});
const machine = createMachine({
  el2: true,
  software: [attachSoftware('counter', counter, stateCodec(1, uint()))],
});
const guest = Uint32Array.of(assemble('hvc #0'), assemble('b 0x40200000', 0x4020_0004));
machine.load({ kernel: rawKernel(new Uint8Array(guest.buffer), 0x4020_0000) });
console.log(`${machine.run(1000)} after ${machine.instructions} instructions`);
console.log(`${machine.board.software[0]?.counts.instructions} of them the hypervisor's`);
