// The Armv8 cryptographic instructions (DDI 0487 C7.2): AES-128 rounds over a buffer in a chain, and SHA-256.
#include <arm_neon.h>

#include "bench.h"

#define BLOCKS 256
static uint8x16_t keys[11], input[BLOCKS];

void aes_setup(void) {
  u8 *key = (u8 *)keys, *byte = (u8 *)input;
  for (u32 i = 0; i < sizeof keys; i++) key[i] = (u8)(i * 29 + 7);
  for (u32 i = 0; i < sizeof input; i++) byte[i] = (u8)(i * 13);
}

u64 aes_unit(void) {
  uint8x16_t chain = vdupq_n_u8(0);
  for (u32 pass = 0; pass < 8; pass++) {
    for (u32 i = 0; i < BLOCKS; i++) {
      uint8x16_t block = veorq_u8(chain, input[i]);
      for (u32 round = 0; round < 9; round++) block = vaesmcq_u8(vaeseq_u8(block, keys[round]));
      chain = veorq_u8(vaeseq_u8(block, keys[9]), keys[10]);
    }
  }
  uint64x2_t halves = vreinterpretq_u64_u8(chain);
  return mix(vgetq_lane_u64(halves, 0), vgetq_lane_u64(halves, 1));
}

u64 sha_unit(void) {
  uint32x4_t abcd = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a};
  uint32x4_t efgh = {0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint32x4_t w[4] = {{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9, 10, 11}, {12, 13, 14, 15}};
  for (u32 n = 0; n < 2000; n++) {
    for (u32 i = 0; i < 4; i++) {
      uint32x4_t words = vaddq_u32(w[i], vdupq_n_u32(0x5a827999 + n)), before = abcd;
      abcd = vsha256hq_u32(abcd, efgh, words);
      efgh = vsha256h2q_u32(efgh, before, words);
      w[i] = vsha256su1q_u32(vsha256su0q_u32(w[i], w[(i + 1) & 3]), w[(i + 2) & 3], w[(i + 3) & 3]);
    }
  }
  uint64x2_t state = vreinterpretq_u64_u32(veorq_u32(abcd, efgh));
  return mix(vgetq_lane_u64(state, 0), vgetq_lane_u64(state, 1));
}
