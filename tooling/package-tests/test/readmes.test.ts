// Each package's README says what a user must know before they install it.
import { describe, expect, test } from 'vitest';

import { command, firstExample, libraries } from './packages.ts';

const sections: readonly (readonly [string, RegExp])[] = [
  ['an example', /^## .*\bexample/imu],
  ['what it does not model', /^## .*\b(?:does not|not) (?:model|do)/imu],
  ['threats and mitigations', /^## .*\bthreats/imu],
];

describe.each(libraries)('the README of $name', ({ name, readme }) => {
  test('opens with its name and says what it is', () => {
    expect(readme).toMatch(new RegExp(`^# ${name}\n\n\\w`, 'u'));
  });

  test.each(sections)('has a section with %s', (_what, heading) => {
    expect(readme).toMatch(heading);
  });

  test('shows an example that imports the package', () => {
    expect(firstExample(readme)?.code).toContain(`from '${name}`);
  });
});

test('the README of the command opens with its name', () => {
  expect(command.readme).toMatch(/^# @worldswitch\/cli\n\n\w/u);
});
