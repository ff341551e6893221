// y = a * x + y over single-precision vectors of four, as the compiler makes them.
#include "bench.h"

#define COUNT 2048
static float x[COUNT], y[COUNT];

static void start(void) {
  for (u32 i = 0; i < COUNT; i++) y[i] = (float)(i & 63) * 0.5f;
}

void simd_setup(void) {
  for (u32 i = 0; i < COUNT; i++) x[i] = (float)(i % 97) * 0.25f;
}

NOINLINE static void saxpy(float factor, const float *restrict from, float *restrict to) {
  for (u32 i = 0; i < COUNT; i++) to[i] = factor * from[i] + to[i];
}

u64 simd_unit(void) {
  start();
  for (u32 i = 0; i < 32; i++) saxpy(0.125f * (float)i, x, y);
  u64 hash = 0;
  for (u32 i = 0; i < COUNT; i += 61) {
    union {
      float value;
      u32 bits;
    } both = {y[i]};
    hash = mix(hash, both.bits);
  }
  return hash;
}
