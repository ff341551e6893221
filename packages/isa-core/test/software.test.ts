// Names of registers and operations as types know them are those of the tables.

import { expect, test } from 'vitest';

import { plainOperationNames, sysOperationNames } from '../src/cpu/software/operation-names.ts';
import { systemInstructions } from '../src/cpu/system-instructions.ts';
import { systemOperation, systemRegister, systemRegisterNames, systemRegisters } from '../src/index.ts';

test('the names of system registers are those of the table', () => {
  expect(systemRegisterNames).toEqual(systemRegisters.map(({ name }) => name));
});

test('the names of system operations are those of the table', () => {
  expect(sysOperationNames).toEqual(systemInstructions.map(({ name }) => name));
  const handles = [...sysOperationNames, ...plainOperationNames].map((name) => systemOperation(name));
  expect(new Set(handles).size).toBe(handles.length);
});

test('a name that is none has no handle', () => {
  // @ts-expect-error -- nor does it compile
  expect(() => systemRegister('VTTBR_EL4')).toThrow('no system register is called VTTBR_EL4');
  // @ts-expect-error -- nor does it compile
  expect(() => systemOperation('TLBI ALL')).toThrow('no system operation is called TLBI ALL');
});
