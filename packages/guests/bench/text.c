// Bytes, and an interpreter: strings of NUL-terminated bytes, and a small stack machine with a switch.
#include "bench.h"

#define TEXT 4096
static char text[TEXT], copy[TEXT];

void bytes_setup(void) {
  for (u32 i = 0; i < TEXT; i++) text[i] = (char)('a' + i % 23);
  for (u32 i = 61; i < TEXT; i += 59 + i % 83) text[i] = 0;
  text[TEXT - 1] = 0;
}

NOINLINE static u64 length_of(const char *s) {
  u64 n = 0;
  while (s[n]) n++;
  return n;
}

NOINLINE static void copy_of(char *to, const char *from) {
  while ((*to++ = *from++)) continue;
}

NOINLINE static int compare(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a - *b;
}

u64 bytes_unit(void) {
  u64 hash = 0;
  for (u32 pass = 0; pass < 4; pass++) {
    for (u64 at = 0, length; at < TEXT; at += length + 1) {
      length = length_of(text + at);
      copy_of(copy + at, text + at);
      hash = mix(hash, length + (u64)compare(text + at, copy + at));
    }
  }
  return hash;
}

enum code { PUSH, LOAD, STORE, ADD, SUB, MUL, XOR, LESS, JUMP, JUMP_IF, INDEX, SET_INDEX, DUP, HALT };
#define OP(operation, operand) ((operation) | (u32)(operand) << 8)
#define CELLS 256

// for (i = 0; i < 2000; i++) { sum = (sum ^ i) * 31 + cell[i & 255 by subtraction]; cell[j] = sum; j = j < 255 ? j + 1 : 0 }
static const u32 program[] = {
    OP(PUSH, 0),   OP(STORE, 0), OP(PUSH, 0), OP(STORE, 2), OP(PUSH, 1),       OP(STORE, 1),
    OP(LOAD, 1),   OP(LOAD, 0),  OP(XOR, 0),  OP(PUSH, 31), OP(MUL, 0),        OP(LOAD, 2),
    OP(INDEX, 0),  OP(ADD, 0),   OP(DUP, 0),  OP(STORE, 1), OP(LOAD, 2),       OP(SET_INDEX, 0),
    OP(LOAD, 2),   OP(PUSH, 255), OP(LESS, 0), OP(JUMP_IF, 25), OP(PUSH, 0),   OP(STORE, 2),
    OP(JUMP, 29),  OP(LOAD, 2),  OP(PUSH, 1), OP(ADD, 0),   OP(STORE, 2),      OP(LOAD, 0),
    OP(PUSH, 1),   OP(ADD, 0),   OP(DUP, 0),  OP(STORE, 0), OP(PUSH, 2000),    OP(LESS, 0),
    OP(JUMP_IF, 6), OP(LOAD, 1), OP(HALT, 0)};
static u64 cells[CELLS];
static u32 code[ARRAY_LENGTH(program)];

void interp_setup(void) {
  for (u32 i = 0; i < ARRAY_LENGTH(program); i++) code[i] = program[i];
}

NOINLINE static u64 interpret(const u32 *code_at) {
  u64 stack[16], variables[4] = {0, 0, 0, 0}, *top = stack;
  for (u32 pc = 0;;) {
    u32 word = code_at[pc++], operand = word >> 8;
    switch ((enum code)(word & 0xff)) {
    case PUSH: *top++ = operand; break;
    case LOAD: *top++ = variables[operand & 3]; break;
    case STORE: variables[operand & 3] = *--top; break;
    case ADD: top--, top[-1] += *top; break;
    case SUB: top--, top[-1] -= *top; break;
    case MUL: top--, top[-1] *= *top; break;
    case XOR: top--, top[-1] ^= *top; break;
    case LESS: top--, top[-1] = top[-1] < *top; break;
    case JUMP: pc = operand; break;
    case JUMP_IF:
      if (*--top) pc = operand;
      break;
    case INDEX: top[-1] = cells[top[-1] % CELLS]; break;
    case SET_INDEX: top -= 2, cells[top[1] % CELLS] = *top; break;
    case DUP: *top = top[-1], top++; break;
    case HALT: return *--top;
    }
  }
}

u64 interp_unit(void) {
  for (u32 i = 0; i < CELLS; i++) cells[i] = i;
  return interpret(code);
}
