import { readFileSync, writeFileSync } from 'node:fs';
import { createMachine, readKernel, virt } from '@worldswitch/machine';
import { createHost } from './src/index.ts';
const [, , image = '', out = '', ...which] = process.argv;
const images = { append: process.env['APPEND'] ?? '', kernel: readKernel(new Uint8Array(readFileSync(image)), 'probe', 0x4000_0000) };
const board = virt({ memory: '128M', cpus: 1 });
for (const name of which) {
  let text = '';
  const output = (_d: string, byte: number): void => { text += String.fromCharCode(byte); };
  const t0 = process.cpuUsage().user;
  let machine;
  if (name === 'native') { machine = createMachine(board, { output }); machine.load(images); }
  else {
    const [technique, shadow] = name.split('+');
    machine = createHost({ board: { ...board, memory: '160M' }, vms: [{ name: 'guest', board }],
      ...(technique !== 'hardware-assisted' && { technique }), ...(shadow && { shadow }) } as never, { guest: images }, { output }).machine;
  }
  let end = 'budget';
  try { while (end === 'budget' && machine.instructions < 400e6) end = machine.run(1_000_000); } catch (e) { text += '\nTHROWN ' + String(e); }
  if (machine.failure !== undefined) text += machine.report();
  writeFileSync(`${out}/${name}.txt`, text.replaceAll('\r', ''));
  console.log(name, end, machine.instructions, text.length, (process.cpuUsage().user - t0) / 1e6);
}
