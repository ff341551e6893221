// A guest's kernel that was rewritten, as it would be in its own text: its PC in a fix-up is that of the instruction that the fix-up is
// for, and the page of virtual registers has what the fix-ups write. It only looks, where an exit puts all of it back.

import { GuestPlace } from '@worldswitch/machine';
import type { GuestState } from '@worldswitch/machine';
import type { Word64 } from '@worldswitch/platform';

import { high, low, signed } from '../binary-translation/address.ts';
import { Phase } from '../binary-translation/phase.ts';
import { restore } from '../binary-translation/precise.ts';
import type { Host } from '../host.ts';
import type { TrapAndEmulate } from '../trap-and-emulate/hypervisor.ts';
import type { VirtualCpu } from '../trap-and-emulate/virtual-cpu.ts';
import { Copy, readHost, stashedIn, takePage } from './cached-kernel.ts';

/** The kernel of a host's VM, where it is rewritten; else there is nothing to correct. */
export class RewrittenView {
  private readonly host: Host<TrapAndEmulate>;

  constructor(host: Host<TrapAndEmulate>) {
    this.host = host;
  }

  /** A PC in a fix-up becomes the guest's, where nothing else of it is wanted. */
  origin(vcpu: VirtualCpu, pc: Word64): void {
    const found = vcpu.level === 0 ? undefined : this.host.hypervisor.rewritten?.find(signed(pc));
    if (found === undefined) return;
    pc.lo = low(found.site);
    pc.hi = high(found.site);
  }

  /** What the CPU and the virtual CPU have becomes what the guest has. */
  correct(vcpu: VirtualCpu, state: GuestState): void {
    const { rewritten } = this.host.hypervisor;
    const page = rewritten?.pageAddress;
    if (rewritten === undefined || page === undefined || vcpu.level === 0 || !rewritten.inUse) return;
    const load = (offset: number, out: Word64): void => {
      readHost(this.host, page + offset, out);
    };
    const at = 2 * GuestPlace.pc;
    const found = rewritten.find(signed({ lo: state.words[at] ?? 0, hi: state.words[at + 1] ?? 0 }));
    if (found) {
      const { sequence } = found.fixUp;
      const phase = sequence.phases[found.word] ?? Phase.CLEAN;
      restore(new Copy(state), phase, {
        stashed: (_, out) => {
          stashedIn(state, out);
        },
        kept: (_, offset, out) => {
          load(offset, out);
        },
      });
      const isDone = (phase & Phase.DONE) !== 0 || found.word === sequence.words.length;
      const pc = found.site + (isDone ? 4 : 0);
      state.set(GuestPlace.pc, low(pc), high(pc));
    }
    takePage(load, state);
  }
}
