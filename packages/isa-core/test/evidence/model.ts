// What the coverage table is made of: each thing that the architecture has, what it does here, and what was found to exercise it.

/** One instruction: a row of the table. */
export interface InstructionCoverage {
  readonly name: string;
  readonly group: string;
  /** Assembly forms. */
  readonly forms: number;
  readonly feature?: string;
  readonly tested: readonly string[];
}

/** One system instruction: a SYS by name. */
export interface OperationCoverage {
  readonly name: string;
  readonly level: number;
  readonly tested: readonly string[];
}

/** One field of a system register. */
export interface FieldCoverage {
  readonly name: string;
  readonly bits: string;
  readonly does: string;
  readonly text: string;
  readonly tested: readonly string[];
}

/** One system register, or a family of them. */
export interface RegisterCoverage {
  readonly name: string;
  /** `RW EL1`, `RO EL0`: the lowest level. */
  readonly access: string;
  readonly fields: readonly FieldCoverage[];
}

/** One trap control. */
export interface ControlCoverage {
  readonly field: string;
  readonly traps: readonly string[];
  /** `EL0, EL1 to EL2`. */
  readonly routes: readonly string[];
  readonly class: string;
  readonly tested: readonly string[];
}

/** All of it. */
export interface Coverage {
  readonly instructions: readonly InstructionCoverage[];
  readonly operations: readonly OperationCoverage[];
  readonly registers: readonly RegisterCoverage[];
  readonly controls: readonly ControlCoverage[];
}

/** How many there are, and how many are tested. */
export interface Count {
  readonly all: number;
  readonly tested: number;
}

/** Counts by kind: what must not go down. */
export type Counts = Readonly<
  Record<'instructions' | 'operations' | 'registers' | 'fields' | 'controls', Count>
>;

const count = (list: readonly { readonly tested: readonly string[] }[]): Count => ({
  all: list.length,
  tested: list.filter(({ tested }) => tested.length > 0).length,
});

/** The counts of a table. A register is tested when all its fields are. */
export function countsOf({ instructions, operations, registers, controls }: Coverage): Counts {
  return {
    instructions: count(instructions),
    operations: count(operations),
    registers: {
      all: registers.length,
      tested: registers.filter(({ fields }) => fields.every(({ tested }) => tested.length > 0)).length,
    },
    fields: count(registers.flatMap(({ fields }) => fields)),
    controls: count(controls),
  };
}
