import { expect, test } from 'vitest';
import { createHost, rewriteKernel, instructionName, describeRewritten } from '@worldswitch/hypervisor-classic';
import { virt } from '@worldswitch/machine';
import { Ledger } from '@worldswitch/vmm';
import { namedGuest } from '../src/guests.ts';
import { writeFileSync, appendFileSync } from 'node:fs';
for (const how of (process.env['HOW'] ?? '').split(',').map((x) => (x === '' ? undefined : x) as 'trap' | undefined))
test(String(how), async () => {
  const { images } = await namedGuest('debian', { append: process.env['APPEND'] ?? undefined, xenAppend: undefined, cpus: 1, say: () => undefined });
  const log = `/tmp/m-debian-${how ?? 'none'}.log`;
  writeFileSync(log, '');
  const say = (s: string) => appendFileSync(log, s + '\n');
  if (how) {
    const t0 = performance.now();
    const r = rewriteKernel(images!.kernel!, how, 0x4000_0000);
    say(`${how} changes ${r.rewriting.changes.length} left ${r.left.length} doubtful ${r.doubtful.length} calls ${r.rewriting.calls.length} arena ${r.rewriting.arena.size} ms ${performance.now() - t0}`);
    say(JSON.stringify(r.rewriting.ranges.map(({at,size})=>[at.toString(16),size.toString(16)])));
    const by = (l: readonly {word?: number, before?: number}[]) => { const m = new Map<string, number>(); for (const x of l) { const n = instructionName(x.word ?? x.before ?? 0); m.set(n, (m.get(n) ?? 0) + 1);} return [...m].sort((a,b)=>b[1]-a[1]).slice(0, 40).map(x=>x.join(' ')).join(', '); };
    say('changed: ' + by(r.rewriting.changes)); say('left: ' + by(r.left)); say('doubtful: ' + by(r.doubtful));
    if (process.env['ONLY']) return;
  }
  let text = '';
  const ledger = new Ledger();
  const host = createHost({ technique: 'trap-and-emulate', impure: how, board: virt({ memory: '352M' }), vms: [{ name: 'debian', board: virt({ memory: '256M' }) }] }, { debian: images! },
    { output: (_d, b) => { text += String.fromCharCode(b); if (b === 10) { appendFileSync(log, text.slice(text.lastIndexOf('\n', text.length - 2) + 1)); } } });
  host.keepLedger(ledger);
  let typed = false; let end = 'budget';
  const t0 = process.cpuUsage().user;
  try {
  while ((end === 'budget' || end === 'idle') && host.machine.instructions < 4e9) {
    end = host.machine.run(5_000_000);
    if (!typed && text.includes('Debian is up')) { typed = true; host.machine.type('serial', new TextEncoder().encode('cat /proc/cpuinfo; expr 6 \\* 7; poweroff -f\n')); }
  }
  } catch (e) { say(String((e as Error).stack)); }
  say(`END ${end} ${host.machine.instructions} cpu ${(process.cpuUsage().user - t0)/1e6}`);
  if (end === 'dead') say(host.machine.report());
  say(JSON.stringify(host.hypervisor.rewritten?.counts));
  say(ledger.totals().slice(0, 60).map(({cause, exits}) => `${cause} ${exits}`).join(', ') + ' ALL ' + ledger.length);
}, 2_000_000);
