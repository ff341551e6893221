// Timing mode in generated code: instructions have costs, and one number of 64 bits counts both. Its lower half is the budget,
// its upper half counts instructions; as long as the lower half is not below zero, neither borrows from the other.

/** What an instruction costs, by the number of its case. */
export type Costs = ArrayLike<number>;

/** What some instructions take from `remaining`. */
export const spentBy = (instructions: number, cost: number): bigint =>
  (BigInt(instructions) << 32n) + BigInt(cost);
