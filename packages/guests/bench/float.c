// Floating point in doubles: a product of matrices with and without FMADD, and a chain of divisions and square roots.
#include "bench.h"

#define N 32
static double a[N][N], b[N][N], c[N][N];

void mm_setup(void) {
  for (u32 i = 0; i < N; i++) {
    for (u32 j = 0; j < N; j++) {
      a[i][j] = 1.0 / (double)(i + j + 1);
      b[i][j] = (double)(i * 3 + j) / 7.0;
    }
  }
}

static u64 bits(double value) {
  union {
    double value;
    u64 bits;
  } both = {value};
  return both.bits;
}

static u64 digest(void) {
  u64 hash = 0;
  for (u32 i = 0; i < N; i++) hash = mix(hash, bits(c[i][N - 1 - i]));
  return hash;
}

u64 mm_unit(void) {
  for (u32 i = 0; i < N; i++) {
    for (u32 j = 0; j < N; j++) {
      double sum = 0;
      for (u32 k = 0; k < N; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
  return digest();
}

u64 mmf_unit(void) {
  for (u32 i = 0; i < N; i++) {
    for (u32 j = 0; j < N; j++) {
      double sum = 0;
      for (u32 k = 0; k < N; k++) sum = __builtin_fma(a[i][k], b[k][j], sum);
      c[i][j] = sum;
    }
  }
  return digest();
}

u64 fp_unit(void) {
  double x = 1.5, y = 0.7;
  for (u32 i = 0; i < 10000; i++) {
    x = __builtin_sqrt(x * 3.25 + y);
    y = (y + 1.0) / (x + 0.125);
  }
  return mix(bits(x), bits(y));
}
