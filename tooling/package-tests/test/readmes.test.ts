// Each package's README says what a user must know before they install it.
import { describe, expect, test } from 'vitest';

import { command, firstExample, libraries } from './packages.ts';

const statements: readonly (readonly [string, RegExp])[] = [
  ['what it does not model', /\b(?:not model|not modelled|does not (?:do|model))/iu],
  ['which threats it meets', /^## .*\bthreats/imu],
];

describe.each(libraries)('the README of $name', ({ name, readme }) => {
  test('opens with its name and says what it is', () => {
    expect(readme).toMatch(new RegExp(`^# ${name}\n\n\\w`, 'u'));
  });

  test.each(statements)('says %s', (_what, statement) => {
    expect(readme).toMatch(statement);
  });

  test('shows an example that imports the package', () => {
    expect(firstExample(readme)?.code).toContain(`from '${name}`);
  });
});

test('the README of the command opens with its name', () => {
  expect(command.readme).toMatch(/^# @worldswitch\/cli\n\n\w/u);
});
