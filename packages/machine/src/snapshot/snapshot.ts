// A machine as data: named, versioned sections. Restoring is constructing; every section is checked as hostile input.

import { genericTimer } from '@worldswitch/devices';
import { cpuCodec } from '@worldswitch/isa-core';
import type { CpuSavedState } from '@worldswitch/isa-core';
import { StateError, UNITS_PER_CYCLE } from '@worldswitch/platform';
import type { Memory, Plain } from '@worldswitch/platform';

import type { PartStates } from '../board/board.ts';
import { gicTypeOf } from '../board/gic.ts';
import { checkConfig } from '../config/config.ts';
import type { CheckedConfig, MachineConfig } from '../config/config.ts';
import { cpuCosts } from '../cost/profiles.ts';
import type { InputRecord } from '../input.ts';
import type { Placed } from '../load/boot.ts';
import { PAGE } from '../memory/window.ts';
import { MOST_OWED, QUANTUM } from '../turns.ts';
import type { TurnsState } from '../turns.ts';

/** Everything that decides a machine's future. */
export interface MachineState {
  readonly parts: PartStates;
  readonly cpus: readonly CpuSavedState[];
  readonly turns: TurnsState;
  readonly ram: RamState;
  readonly instructions: number;
  readonly inputs: readonly InputRecord[];
  /** When inputs are looked at next, or `Infinity`. */
  readonly poll: number;
  /** What a reset loads again. */
  readonly boot: Placed | undefined;
}

/** Pages that are not zero: their numbers as little-endian 32-bit words, and their bytes. */
export interface RamState {
  readonly pages: Uint8Array;
  readonly bytes: Uint8Array;
}

type Fields = Readonly<Record<string, Plain>>;

const VERSION = 4;

/** What must be equal for a snapshot to fit a board. */
function boardIdentity(config: CheckedConfig): string {
  const {
    cpu,
    cpus,
    el2,
    el3,
    memory,
    ramBase,
    gic,
    timer,
    psci,
    nanosecondsPerInstruction,
    startTime,
    seed,
    timing,
  } = config;
  const devices = config.devices.map((d) => [
    d.name,
    d.kind.type.compatible,
    d.bases,
    d.interrupts,
    d.connections,
  ]);
  return JSON.stringify({
    cpu,
    cpus,
    el2,
    el3,
    memory,
    ramBase,
    gic,
    timer,
    psci,
    nanosecondsPerInstruction,
    startTime,
    seed,
    timing: timing && cpuCosts(timing),
    devices,
    // Boards without any keep their old identity.
    ...(config.software.length > 0 && {
      software: config.software.map(({ name, page, boot }) => [name, page, boot]),
    }),
  });
}

/** The pages of a window that are not zero. */
export function saveRam(memory: Memory): RamState {
  const words = new Uint32Array(memory.bytes.buffer, memory.bytes.byteOffset, memory.size / 4);
  const used: number[] = [];
  for (let page = 0; page < memory.size / PAGE; page++) {
    const first = page * (PAGE / 4);
    for (let i = first; i < first + PAGE / 4; i++) {
      if (words[i] === 0) continue;
      used.push(page);
      break;
    }
  }
  const bytes = new Uint8Array(used.length * PAGE);
  used.forEach((page, i) => {
    bytes.set(memory.bytes.subarray(page * PAGE, (page + 1) * PAGE), i * PAGE);
  });
  return { pages: new Uint8Array(Uint32Array.from(used).buffer), bytes };
}

/** Fills a window, which is zero, from saved pages. */
export function loadRam(memory: Memory, saved: RamState): void {
  const view = new DataView(saved.pages.buffer, saved.pages.byteOffset, saved.pages.byteLength);
  for (let i = 0; i * 4 < saved.pages.length; i++) {
    const page = view.getUint32(i * 4, true);
    memory.bytes.set(saved.bytes.subarray(i * PAGE, (i + 1) * PAGE), page * PAGE);
  }
}

/** The plain tree of a state. */
export function toPlain(config: CheckedConfig, state: MachineState): Plain {
  const { parts } = state;
  const section = (version: number, value: Plain): Plain => ({ version, state: value });
  return {
    version: VERSION,
    board: boardIdentity(config),
    now: parts.now,
    fraction: parts.fraction,
    instructions: state.instructions,
    cpus: state.cpus.map((cpu) => section(cpuCodec().version, cpu)),
    turns: { ...state.turns },
    gic: section(gicTypeOf(config).state.version, parts.gic),
    timer: section(genericTimer.state.version, parts.timer),
    devices: Object.fromEntries(
      config.devices.map((d) => [d.name, section(d.kind.type.state.version, parts.devices[d.name] ?? null)]),
    ),
    wires: parts.wires,
    ...(config.software.length > 0 && {
      software: Object.fromEntries(
        config.software.map(({ name, type }) => [
          name,
          section(type.state.version, parts.software[name] ?? null),
        ]),
      ),
    }),
    ram: { pages: state.ram.pages, bytes: state.ram.bytes },
    inputs: state.inputs.map(({ at, device, bytes }) => ({ at, device, bytes })),
    poll: Number.isFinite(state.poll) ? state.poll : null,
    boot: state.boot === undefined ? null : bootPlain(state.boot),
  };
}

const bootPlain = ({ entry, x0, pieces }: Placed): Plain => ({
  entry,
  x0,
  pieces: pieces.map(({ name, at, size, bytes }) => ({ name, at, size, bytes })),
});

const ROOT_FIELDS: ReadonlySet<string> = new Set([
  'version',
  'board',
  'now',
  'fraction',
  'instructions',
  'cpus',
  'turns',
  'gic',
  'timer',
  'devices',
  'wires',
  'software',
  'ram',
  'inputs',
  'poll',
  'boot',
]);

/** Checks a plain tree against a board. Throws a `StateError` that names the field. */
export function fromPlain(given: MachineConfig, tree: Plain): MachineState {
  const config = checkConfig(given);
  const root = fieldsOf(tree, 'snapshot');
  const surplus = Object.keys(root).find((name) => !ROOT_FIELDS.has(name));
  if (surplus !== undefined) throw new StateError(surplus, 'is not a known field');
  if (root['version'] !== VERSION) throw new StateError('version', `must be ${VERSION}`);
  if (root['board'] !== boardIdentity(config)) {
    throw new StateError(
      'board',
      'is another board than the one given: restore on the configuration that was saved',
    );
  }
  const codec = <T>(name: string, at: Plain | undefined, parse: (from: Plain, version: number) => T): T => {
    const section = fieldsOf(at, name);
    try {
      return parse(section['state'] ?? null, count(section['version'], `${name}.version`));
    } catch (thrown) {
      if (thrown instanceof StateError)
        throw new StateError(`${name}.${thrown.field}`, thrown.message.slice(thrown.field.length + 1));
      throw thrown;
    }
  };
  const devices = fieldsOf(root['devices'], 'devices');
  const software = config.software.length > 0 ? fieldsOf(root['software'], 'software') : {};
  const parts = config.timing === undefined ? 1 : UNITS_PER_CYCLE;
  const cpu = cpuCodec({ sets: 512, ways: 4 }, config.el3 ? 3 : config.el2 ? 2 : 1, parts);
  const cpus = root['cpus'];
  if (!Array.isArray(cpus) || cpus.length !== config.cpus)
    throw new StateError('cpus', `must be a list of ${config.cpus}`);
  return {
    parts: {
      now: count(root['now'], 'now'),
      fraction: count(root['fraction'], 'fraction', parts - 1),
      gic: codec('gic', root['gic'], (from, v) => gicTypeOf(config).state.parse(from, v)),
      timer: codec('timer', root['timer'], (from, v) => genericTimer.state.parse(from, v)),
      devices: Object.fromEntries(
        config.devices.map((d) => [
          d.name,
          codec(`devices.${d.name}`, devices[d.name], (from, v) => d.kind.type.state.parse(from, v) as Plain),
        ]),
      ),
      wires: levels(root['wires']),
      software: Object.fromEntries(
        config.software.map(({ name, type }) => [
          name,
          codec(`software.${name}`, software[name], (from, v) => type.state.parse(from, v) as Plain),
        ]),
      ),
    },
    cpus: (cpus as readonly Plain[]).map((at, i) => codec(`cpus[${i}]`, at, (from, v) => cpu.parse(from, v))),
    turns: turnsOf(root['turns'], config.cpus, QUANTUM * parts),
    ram: ramOf(root['ram'], config.memory / PAGE),
    instructions: count(root['instructions'], 'instructions'),
    inputs: inputsOf(root['inputs'], new Set(config.devices.map((d) => d.name))),
    poll: root['poll'] === null ? Infinity : count(root['poll'], 'poll'),
    boot: root['boot'] === null ? undefined : bootOf(root['boot'], config),
  };
}

function turnsOf(from: Plain | undefined, cpus: number, whole: number): TurnsState {
  const { turn, left, owed } = fieldsOf(from, 'turns');
  if (!Array.isArray(owed) || owed.length !== cpus)
    throw new StateError('turns.owed', `must be a list of ${cpus}`);
  return {
    turn: count(turn, 'turns.turn', cpus - 1),
    left: count(left, 'turns.left', whole),
    owed: (owed as readonly Plain[]).map((one, i) => count(one, `turns.owed[${i}]`, MOST_OWED * whole)),
  };
}

function bootOf(from: Plain | undefined, { ramBase, memory }: CheckedConfig): Placed {
  const { entry, x0, pieces } = fieldsOf(from, 'boot');
  if (!Array.isArray(pieces)) throw new StateError('boot.pieces', 'must be a list');
  return {
    entry: count(entry, 'boot.entry'),
    x0: count(x0, 'boot.x0'),
    pieces: (pieces as readonly Plain[]).map((piece, i) => {
      const path = `boot.pieces[${i}]`;
      const { name, at, size, bytes } = fieldsOf(piece, path);
      if (typeof name !== 'string') throw new StateError(`${path}.name`, 'must be a name');
      if (!(bytes instanceof Uint8Array)) throw new StateError(`${path}.bytes`, 'must be bytes');
      const [from, length] = [count(at, `${path}.at`), count(size, `${path}.size`)];
      if (length < bytes.length) throw new StateError(`${path}.size`, 'must hold its bytes');
      if (from < ramBase || from + length > ramBase + memory)
        throw new StateError(`${path}.at`, 'must lie in memory');
      return { name, at: from, size: length, bytes };
    }),
  };
}

function fieldsOf(from: Plain | undefined, path: string): Fields {
  if (typeof from !== 'object' || from === null || Array.isArray(from) || from instanceof Uint8Array) {
    throw new StateError(path, 'must be a record');
  }
  return from as Fields;
}

function count(from: Plain | undefined, path: string, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof from !== 'number' || !Number.isSafeInteger(from) || from < 0) {
    throw new StateError(path, 'must be a whole number, zero or more');
  }
  if (from > most) throw new StateError(path, `must be at most ${most}`);
  return from;
}

function levels(from: Plain | undefined): Record<string, boolean> {
  return Object.fromEntries(
    Object.entries(fieldsOf(from, 'wires')).map(([name, level]) => {
      if (typeof level !== 'boolean') throw new StateError(`wires.${name}`, 'must be true or false');
      return [name, level];
    }),
  );
}

function ramOf(from: Plain | undefined, limit: number): RamState {
  const { pages, bytes } = fieldsOf(from, 'ram');
  if (!(pages instanceof Uint8Array) || !(bytes instanceof Uint8Array))
    throw new StateError('ram', 'must hold bytes');
  if (pages.length % 4 !== 0 || bytes.length !== (pages.length / 4) * PAGE) {
    throw new StateError('ram.bytes', 'must be 4096 for each page');
  }
  const view = new DataView(pages.buffer, pages.byteOffset, pages.byteLength);
  let last = -1;
  for (let i = 0; i < pages.length; i += 4) {
    const page = view.getUint32(i, true);
    if (page <= last || page >= limit)
      throw new StateError(`ram.pages[${i / 4}]`, `must rise and be below ${limit}`);
    last = page;
  }
  return { pages, bytes };
}

function inputsOf(from: Plain | undefined, known: ReadonlySet<string>): InputRecord[] {
  if (!Array.isArray(from)) throw new StateError('inputs', 'must be a list');
  return (from as readonly Plain[]).map((item, i) => {
    const { at, device, bytes } = fieldsOf(item, `inputs[${i}]`);
    if (typeof device !== 'string' || !known.has(device.replace(/\.\d+$/, ''))) {
      throw new StateError(`inputs[${i}].device`, 'must be the name of a device');
    }
    if (!(bytes instanceof Uint8Array)) throw new StateError(`inputs[${i}].bytes`, 'must be bytes');
    return { at: count(at, `inputs[${i}].at`), device, bytes };
  });
}
