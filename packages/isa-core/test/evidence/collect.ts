// Puts the coverage table together from the tables of the CPU and from what its tests declare.

import { systemRegisters } from '../../src/cpu/index.ts';
import { registerFields } from '../../src/cpu/sysregs/fields/index.ts';
import type { RegisterField } from '../../src/cpu/sysregs/fields/index.ts';
import { systemInstructions } from '../../src/cpu/system-instructions.ts';
import { rows as tableRows } from '../../src/table/table.ts';
import { EXCEPTIONS, isBanked } from '../fields/exceptions.ts';
import { controls, implementationDefined, undefining } from '../traps/controls.ts';
import type { Control } from '../traps/controls.ts';
import { maintenanceOperations, translationOperations } from '../traps/operations.ts';
import { el3Missing, el3OfField, el3OfOperation } from './el3.ts';
import { evidence } from './evidence.ts';
import { instructionCoverage, rowOf } from './instructions.ts';
import type {
  ControlCoverage,
  Coverage,
  FieldCoverage,
  OperationCoverage,
  RegisterCoverage,
} from './model.ts';
import { archCases, casesOf, pattern, testOf } from './sources.ts';

const TRAPS = 'isa-core/traps/controls';
/** The same rows on QEMU's board. */
const QEMU = 'isa-core/traps/qemu-controls';
const onQemu: ReadonlySet<string> = new Set([...controls, ...undefining].map(({ field }) => field));
/** Rows of `controls.ts`, and the two controls that have tests of their own. */
const TIDCP: Control = {
  field: 'HCR_EL2.TIDCP',
  instructions: implementationDefined,
  on: {},
  off: {},
  level: 4,
  from: { 1: 2 },
};
const HCD: Control = {
  ...TIDCP,
  field: 'HCR_EL2.HCD',
  instructions: ['hvc #0x1'],
  from: { 1: 1, 2: 2 },
  ec: 0,
};
const allControls: readonly Control[] = [...controls, ...undefining, TIDCP, HCD];

/** A register's name with its numbers left open, where it is one of a family. */
const familyOf = (name: string): string =>
  name.startsWith('S3_')
    ? name.replace(/C\d_\d$/, 'C<n>_<m>')
    : name
        .replace(/^(DBG[BW][VC]R|PMEV(?:CNTR|TYPER))\d+_/, '$1<n>_')
        .replace(/^(IC[CH]_(?:AP[01]R|LR))\d+_/, '$1<n>_')
        .replace(/^(ID_(?:MMFR|ISAR)|MVFR)\d_/, '$1<n>_');

/** Cases of the image `arch` that are named after a control: `trap/tvm_sctlr` and `trap/tvm-el0` are HCR_EL2.TVM's. */
function archOfField(field: string): readonly string[] {
  const [register = '', name = ''] = field.toLowerCase().split('.');
  if (!/^(?:hcr|hstr|cptr|mdcr|cnthctl|sctlr|cpacr|cntkctl|pmuserenr|mdscr)_el/.test(register)) return [];
  const short = register.replace(/_el\d$/, '');
  const own = [...archCases].filter((name) => new RegExp(`^control/${field}[=/]`, 'i').test(name)).length;
  if (own > 0) return [`arch: control/${field} (${String(own)} case${own === 1 ? '' : 's'})`];
  const isNamed = new RegExp(`^(?:trap|register)/(?:${name}|${short}_?${name})(?:[_-].*|/.*)?$`);
  const found = [...archCases].filter((name) => isNamed.test(name)).map((name) => name.replace(/\/off$/, ''));
  return [...new Set(found)].slice(0, 1).map((first) => `arch: ${first}${found.length > 1 ? ' …' : ''}`);
}

/** What shows the effect of a field. */
function effectsOf(field: string): string[] {
  const shown = evidence.filter(({ fields }) => fields?.some((glob) => pattern(glob).test(field)));
  const isControl = allControls.some((control) => control.field === field);
  return [
    ...new Set([
      ...(isControl ? [TRAPS] : []),
      ...archOfField(field),
      ...shown.flatMap(({ arch }) =>
        (arch ?? []).flatMap((glob) => (casesOf(glob).length > 0 ? [`arch: ${glob}`] : [])),
      ),
      ...el3OfField(field),
      ...shown.flatMap(({ tests }) => (tests ?? []).map(testOf)),
    ]),
  ];
}

const HELD = 'isa-core/fields/registers';

function fieldCoverage(family: string, name: string, field: RegisterField): FieldCoverage {
  const effects = effectsOf(`${family}.${field.name}`);
  const isHeld = !isBanked(name) && EXCEPTIONS[name] === undefined;
  // To hold a value is all that a field without an effect does.
  const tested = field.kind === 'acts' && effects.length === 0 ? [] : [...effects, ...(isHeld ? [HELD] : [])];
  const { high, low } = field;
  return {
    name: field.name,
    bits: high === low ? String(high) : `${String(high)}:${String(low)}`,
    does: field.kind,
    text: field.text,
    tested,
  };
}

function registerCoverage(): RegisterCoverage[] {
  const found = new Map<string, RegisterCoverage>();
  for (const { name, minRead, minWrite } of systemRegisters) {
    const family = familyOf(name);
    if (found.has(family) || (minRead > 3 && minWrite > 3)) continue;
    const access =
      minWrite > 3
        ? `RO EL${String(minRead)}`
        : minRead > 3
          ? `WO EL${String(minWrite)}`
          : minRead === minWrite
            ? `RW EL${String(minRead)}`
            : `RO EL${String(minRead)}, RW EL${String(minWrite)}`;
    const fields = (registerFields(name) ?? []).map((field) => fieldCoverage(family, name, field));
    found.set(family, { name: family, access, fields });
  }
  return [...found.values()];
}

const CLASS_NAMES: Readonly<Record<number, string>> = {
  0: 'UNDEFINED',
  1: 'WFx',
  7: 'FP',
  23: 'SMC',
  24: 'system',
};

function routesOf({ from }: Control): string {
  const targets = new Map<number, string[]>();
  for (const [el, target] of Object.entries(from))
    targets.set(target, [...(targets.get(target) ?? []), `EL${el}`]);
  return [...targets].map(([target, levels]) => `${levels.join(', ')} to EL${String(target)}`).join('; ');
}

function controlCoverage(): ControlCoverage[] {
  const fields = [...new Set(allControls.map(({ field }) => field))];
  return fields.map((field): ControlCoverage => {
    const of = allControls.filter((control) => control.field === field);
    const classes = new Set(of.map(({ ec = 0x18 }) => CLASS_NAMES[ec] ?? `0x${ec.toString(16)}`));
    return {
      field,
      traps: [...new Set(of.flatMap(({ instructions }) => instructions))],
      routes: [...new Set(of.map(routesOf))],
      class: [...classes].join(', '),
      tested: [TRAPS, ...(onQemu.has(field) ? [QEMU] : []), ...archOfField(field), ...el3OfField(field)],
    };
  });
}

/** `TLBI VAE1IS` of `tlbi vae1is, x0`. */
const operationOf = (instruction: string): string =>
  (/^(?:tlbi|at|dc|ic) \w+/.exec(instruction)?.[0] ?? '').toUpperCase();

function operationCoverage(): OperationCoverage[] {
  const byTraps = new Set(controls.flatMap(({ instructions }) => instructions.map(operationOf)));
  const byScope = new Set(maintenanceOperations.map(operationOf));
  const byAddress = new Set(translationOperations.map(operationOf));
  return systemInstructions.map(({ name, minEl }): OperationCoverage => {
    const arch = [...archCases].some((found) => {
      const short = name.toLowerCase().replace(/^\w+ /, '');
      return name.startsWith('AT ')
        ? found.startsWith('at/') && found.includes(`/${short}/`)
        : found.endsWith(`_${short}`) || (found.startsWith('tag/') && found.includes(`/${short}/`));
    });
    const tested = [
      ...(byScope.has(name) ? ['isa-core/traps/maintenance'] : []),
      ...(byAddress.has(name) ? ['isa-core/traps/secure'] : []),
      ...(byTraps.has(name) ? [TRAPS] : []),
      ...(arch ? ['arch'] : []),
      ...el3OfOperation(name),
    ];
    return { name, level: minEl, tested };
  });
}

const failureOf = (work: () => unknown): string[] => {
  try {
    work();
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
};

/** Throws where evidence names a field, a row, a case or a test that does not exist: all that do not. */
function requireEvidence(): void {
  const names = new Set(
    systemRegisters.flatMap(({ name }) =>
      (registerFields(name) ?? []).map((field) => `${familyOf(name)}.${field.name}`),
    ),
  );
  const isField = (glob: string): boolean => [...names].some((name) => pattern(glob).test(name));
  const isRow = (glob: string): boolean => tableRows.some(({ name }) => pattern(glob).test(name));
  const missing = evidence.flatMap(({ fields = [], rows = [], arch = [], tests = [] }) => [
    ...fields.filter((glob) => !isField(glob)).map((glob) => `no field is called ${glob}`),
    ...rows.filter((glob) => !isRow(glob)).map((glob) => `no row is called ${glob}`),
    ...arch.flatMap((glob) => failureOf(() => casesOf(glob))),
    ...tests.flatMap((reference) => failureOf(() => testOf(reference))),
  ]);
  missing.push(...el3Missing());
  if (missing.length > 0) throw new RangeError(missing.join('\n'));
}

/** The table. */
export function collect(): Coverage {
  const executed = new Map<string, string>();
  for (const instruction of allControls.flatMap(({ instructions }) => instructions)) {
    const row = rowOf(instruction);
    if (row !== undefined) executed.set(row, TRAPS);
  }
  requireEvidence();
  return {
    instructions: instructionCoverage(executed),
    operations: operationCoverage(),
    registers: registerCoverage(),
    controls: controlCoverage(),
  };
}
