// Software-generated interrupts by affinity (IHI 0069 2.3.1, 4.4, 12.2).

import { describe, expect, test } from 'vitest';

import { bitOf, enable, group, running, setBit } from './rig.ts';
import type { Rig } from './rig.ts';

/** Two clusters: CPUs 0 to 15 and 16 to 18. */
const clusters = { cpus: 19 };

/** CPUs on which an SGI pends. */
const pendingOn = (rig: Rig, id: number): readonly number[] =>
  Array.from({ length: rig.config.cpus }, (_, cpu) => cpu).filter(
    (cpu) => bitOf(rig, 'ISPENDR', id, { cpu, secure: true }) === 1,
  );

describe('an SGI', () => {
  test('goes to the CPUs of a list in a cluster', () => {
    const rig = running(clusters);
    rig.msr('ICC_SGI1R_EL1', (3 << 24) | 0b1010);
    expect(pendingOn(rig, 3)).toEqual([1, 3]);
    rig.msr('ICC_SGI1R_EL1', (4 << 24) | (1 << 16) | 0xffff);
    expect(pendingOn(rig, 4)).toEqual([16, 17, 18]);
  });

  test('goes to nobody where no CPU has the affinity', () => {
    const rig = running(clusters);
    rig.msr('ICC_SGI1R_EL1', (3 << 24) | (2 << 16) | 0xffff);
    rig.msr('ICC_SGI1R_EL1', (3 << 24) | 0xffff, 0, 1); // Aff2
    rig.msr('ICC_SGI1R_EL1', (3 << 24) | 0xffff, 0, 1 << 16); // Aff3
    expect(pendingOn(rig, 3)).toEqual([]);
  });

  test('goes by all four affinities', () => {
    const rig = running({ cpus: 2, affinities: [0x0a0b_0c02, 0] });
    rig.msr('ICC_SGI1R_EL1', (3 << 24) | (0x0c << 16) | 4, 1, (0x0a << 16) | 0x0b);
    expect(pendingOn(rig, 3)).toEqual([0]);
  });

  test('goes to all others with IRM', () => {
    const rig = running({ cpus: 4 });
    rig.msr('ICC_SGI1R_EL1', 5 << 24, 2, 0x100);
    expect(pendingOn(rig, 5)).toEqual([0, 1, 3]);
  });

  test('is taken and ended like any interrupt', () => {
    const rig = running({ cpus: 2 });
    enable(rig, 5, 0x80, 1);
    rig.msr('ICC_SGI1R_EL1', (5 << 24) | 2);
    expect(rig.pins()).toEqual(['irq1']);
    expect([rig.mrs('ICC_IAR1', 1), pendingOn(rig, 5)]).toEqual([5, []]);
    rig.msr('ICC_EOIR1', 5, 1);
    expect(bitOf(rig, 'ISACTIVER', 5, { cpu: 1 })).toBe(0);
  });

  test('of Group 0 is sent by ICC_SGI0R_EL1, of Group 1 by ICC_SGI1R_EL1', () => {
    const rig = running();
    group(rig, 5, 0);
    rig.msr('ICC_SGI1R_EL1', (5 << 24) | 1);
    rig.msr('ICC_SGI0R_EL1', (6 << 24) | 1);
    expect([pendingOn(rig, 5), pendingOn(rig, 6)]).toEqual([[], []]);
    rig.msr('ICC_SGI0R_EL1', (5 << 24) | 1);
    rig.msr('ICC_SGI1R_EL1', (6 << 24) | 1);
    expect([pendingOn(rig, 5), pendingOn(rig, 6)]).toEqual([[0], [0]]);
  });
});

describe('between two Security states an SGI', () => {
  const Secure = 1;
  /** SGI 1 of Group 0, 2 of Secure Group 1, 3 of Non-secure Group 1; sent from a state by a register; which were sent? */
  function sent(from: number, register: string, nsacr = 0): readonly number[] {
    const rig = running({ cpus: 1, security: true });
    group(rig, 1, 0);
    group(rig, 2, '1S');
    rig.write('GICR_NSACR', nsacr, { secure: true });
    rig.msr('ICC_PE_STATE', from);
    for (const id of [1, 2, 3]) rig.msr(register, (id << 24) | 1);
    return [1, 2, 3].filter((id) => pendingOn(rig, id).length > 0);
  }
  const [access1, access2] = [0x14, 0x28]; // NSACR fields of SGIs 1 and 2

  test.each([
    ['Secure', Secure, 'ICC_SGI0R_EL1', 0, [1]],
    ['Secure', Secure, 'ICC_SGI1R_EL1', 0, [1, 2]],
    ['Secure', Secure, 'ICC_ASGI1R_EL1', 0, [3]],
    ['EL3', 2, 'ICC_SGI1R_EL1', 0, [1, 2]],
    ['Non-secure', 0, 'ICC_SGI0R_EL1', 0, []],
    ['Non-secure', 0, 'ICC_SGI1R_EL1', 0, [3]],
    ['Non-secure', 0, 'ICC_ASGI1R_EL1', 0, []],
    ['Non-secure', 0, 'ICC_SGI0R_EL1', access1, [1]],
    ['Non-secure', 0, 'ICC_ASGI1R_EL1', access1, [1]],
    ['Non-secure', 0, 'ICC_ASGI1R_EL1', access2, [1, 2]],
  ])('from %s (%i) by %s with NSACR %i: %j', (_, from, register, nsacr, ids) => {
    expect(sent(from, register, nsacr)).toEqual(ids);
  });

  test('is not sent where its group is disabled, but pends', () => {
    const rig = running({ cpus: 1, security: true });
    setBit(rig, 'ISENABLER', 3, true, { secure: true });
    rig.msr('ICC_IGRPEN1_EL3', 2);
    rig.msr('ICC_SGI1R_EL1', (3 << 24) | 1);
    expect([pendingOn(rig, 3), rig.pins()]).toEqual([[0], []]);
  });
});
