// Integer kernels: arithmetic in registers, CRC-32 bit by bit, SHA-256 (FIPS 180-4) in C, recursion.
#include "bench.h"

u64 alu_unit(void) {
  u64 a = 0x243f6a8885a308d3, b = 0x13198a2e03707344;
  for (u32 i = 0; i < 20000; i++) {
    a ^= a << 13;
    a ^= a >> 7;
    a ^= a << 17;
    b = b * 0x5851f42d4c957f2d + a;
    b ^= b >> 33;
  }
  return a ^ b;
}

#define CRC_BYTES 4096
static u8 crc_input[CRC_BYTES];

void crc_setup(void) {
  for (u32 i = 0; i < CRC_BYTES; i++) crc_input[i] = (u8)(i * 167 + (i >> 5));
}

u64 crc_unit(void) {
  u32 crc = ~0u;
  for (u32 i = 0; i < CRC_BYTES; i++) {
    crc ^= crc_input[i];
    for (u32 bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

static const u32 rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline u32 ror(u32 x, u32 n) {
  return x >> n | x << (32 - n);
}

NOINLINE static void sha256_block(u32 *state, const u32 *words) {
  u32 w[64], v[8];
  for (u32 i = 0; i < 16; i++) w[i] = __builtin_bswap32(words[i]);
  for (u32 i = 16; i < 64; i++) {
    u32 x = w[i - 15], y = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (ror(x, 7) ^ ror(x, 18) ^ x >> 3) + (ror(y, 17) ^ ror(y, 19) ^ y >> 10);
  }
  for (u32 i = 0; i < 8; i++) v[i] = state[i];
  for (u32 i = 0; i < 64; i++) {
    u32 e = v[4], a = v[0];
    u32 t1 = v[7] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + rounds[i] + w[i];
    u32 t2 = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
    v[7] = v[6], v[6] = v[5], v[5] = e, v[4] = v[3] + t1;
    v[3] = v[2], v[2] = v[1], v[1] = a, v[0] = t1 + t2;
  }
  for (u32 i = 0; i < 8; i++) state[i] += v[i];
}

u64 sha256_unit(void) {
  u32 state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  u32 block[16];
  for (u32 n = 0; n < 32; n++) {
    for (u32 i = 0; i < 16; i++) block[i] = n * 16 + i;
    sha256_block(state, block);
  }
  return (u64)state[0] << 32 | state[7];
}

NOINLINE static u64 fib(u64 n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

u64 fib_unit(void) {
  return fib(20);
}
