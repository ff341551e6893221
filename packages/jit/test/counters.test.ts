// The counters: every one is named once and explained, compiled code counts where it is told to and is the same otherwise.

import { describe, expect, it } from 'vitest';

import { assemble } from '@worldswitch/isa-core';

import { load, prepare, runSeed } from './programs/run.ts';
import { createRandom } from './random.ts';
import { createRig, eager, RAM } from './rig.ts';
import type { Rig } from './rig.ts';

const countOf = (rig: Rig, name: string): number => {
  const found = rig.fast.engine.counts().find((c) => c.name === name);
  if (found === undefined) throw new Error(`no counter ${name}`);
  return found.count;
};

describe('the counters', () => {
  it('have names of their own and a text each', () => {
    const counts = createRig().fast.engine.counts();
    expect(new Set(counts.map(({ name }) => name)).size).toBe(counts.length);
    for (const { text, count } of counts) {
      expect(text).toMatch(/^[a-zA-Z][^.]{8,}$/);
      expect(count).toBe(0);
    }
  });

  it('count why compiled code is left', () => {
    const rig = createRig(eager);
    expect(rig.fast.engine.countAll()).toBe(true);
    prepare(rig, createRandom(1));
    const lines = [
      'add x0, x0, #1',
      'ldr x1, [x19]',
      // Compiled code goes on after what it left for.
      'svc #0',
      'str x0, [x19]',
      'bl 12',
      'svc #0',
      'b -24',
      'cbz x25, 8',
      'ret',
    ];
    load(
      rig,
      RAM,
      lines.map((line) => assemble(line)),
    );
    for (const { cpu } of [rig.reference, rig.fast]) cpu.state.pc = BigInt(RAM);
    expect(rig.run(3000)).toEqual([]);
    expect(countOf(rig, 'exit.miss.read')).toBe(1);
    expect(countOf(rig, 'exit.miss.write')).toBe(1);
    expect(countOf(rig, 'exit.never')).toBeGreaterThan(90);
    expect(countOf(rig, 'exit.poll')).toBe(0);
    expect(countOf(rig, 'regions.alive')).toBeGreaterThan(1);
    expect(countOf(rig, 'compiled')).toBeGreaterThan(500);
    expect(countOf(rig, 'left.step')).toBeGreaterThan(90);
    const before = countOf(rig, 'exit.budget');
    expect(rig.run(1)).toEqual([]);
    for (let i = 0; i < 17; i++) expect(rig.run(1)).toEqual([]);
    expect(countOf(rig, 'exit.budget')).toBeGreaterThan(before);
    expect(rig.fast.engine.countAll()).toBe(false);
  });

  it('change nothing that the guest can see', () => {
    const rig = createRig(eager);
    rig.fast.engine.countAll();
    for (let seed = 700; seed < 708; seed++) expect(runSeed(rig, seed, 5000)).toBeUndefined();
    for (const name of [
      'enter',
      'gate.found',
      'region.entered',
      'exit.jump',
      'call',
      'left.budget',
      'pages.made',
    ])
      expect(countOf(rig, name), name).toBeGreaterThan(0);
  });

  it('of compiled code are off unless asked for', () => {
    const rig = createRig(eager);
    expect(runSeed(rig, 700, 5000)).toBeUndefined();
    expect(countOf(rig, 'compiled')).toBeGreaterThan(0);
    for (const name of ['enter', 'gate.found', 'region.entered', 'exit.never', 'crossings'])
      expect(countOf(rig, name)).toBe(0);
  });
});
