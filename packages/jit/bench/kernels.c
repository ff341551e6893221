// Kernels of the benchmark. Each runs for ever: the harness stops it by its budget. Compiled to bare A64, and natively as a check.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

static u8 buffer[65536];
static double a[32][32], b[32][32], c[32][32];
volatile u64 sink;

static __attribute__((noinline)) u64 fib(u64 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

void k_fib(void) { for (;;) sink = fib(20); }

void k_alu(void) {
  u64 x = 88172645463325252ul, s = 0;
  for (;;) {
    for (int i = 0; i < 1000; i++) { x ^= x << 13; x ^= x >> 7; x ^= x << 17; s += x * 0x9e3779b97f4a7c15ul; }
    sink = s;
  }
}

void k_crc(void) {
  for (;;) {
    u32 r = ~0u;
    for (u32 i = 0; i < sizeof buffer; i++) {
      r ^= buffer[i];
      for (int k = 0; k < 8; k++) r = r & 1 ? (r >> 1) ^ 0xedb88320u : r >> 1;
    }
    sink = r;
  }
}

static u32 ror(u32 x, int n) { return x >> n | x << (32 - n); }

void k_sha(void) {
  u32 h[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (;;) {
    u32 w[64];
    for (int i = 0; i < 16; i++) w[i] = ((u32 *)buffer)[i] + h[i & 7];
    for (int i = 16; i < 64; i++) {
      u32 s0 = ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ (w[i - 15] >> 3);
      u32 s1 = ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ (w[i - 2] >> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    u32 A = h[0], B = h[1], C = h[2], D = h[3], E = h[4], F = h[5], G = h[6], H = h[7];
    for (int i = 0; i < 64; i++) {
      u32 t1 = H + (ror(E, 6) ^ ror(E, 11) ^ ror(E, 25)) + ((E & F) ^ (~E & G)) + w[i];
      u32 t2 = (ror(A, 2) ^ ror(A, 13) ^ ror(A, 22)) + ((A & B) ^ (A & C) ^ (B & C));
      H = G; G = F; F = E; E = D + t1; D = C; C = B; B = A; A = t1 + t2;
    }
    h[0] += A; h[1] += B; h[2] += C; h[3] += D; h[4] += E; h[5] += F; h[6] += G; h[7] += H;
    sink = h[0];
  }
}

void k_memcpy(void) {
  for (;;) {
    u64 *from = (u64 *)buffer, *to = (u64 *)(buffer + 32768);
    for (int i = 0; i < 4096; i += 2) {
      u64 x, y;
      __asm__ volatile("ldp %0, %1, [%2]" : "=r"(x), "=r"(y) : "r"(from + i));
      __asm__ volatile("stp %0, %1, [%2]" : : "r"(x), "r"(y), "r"(to + i) : "memory");
    }
  }
}

void k_bytes(void) {
  for (;;) {
    u64 n = 0;
    for (volatile u8 *p = buffer; p < buffer + sizeof buffer; p++) if (*p == 'a') n++;
    sink = n;
  }
}

void k_interp(void) {
  static const u8 program[] = {0, 1, 2, 3, 1, 4, 2, 5, 0, 3, 6, 1, 7};
  u64 acc = 0, x = 3, y = 5, n = 0;
  for (u32 pc = 0;;) {
    switch (program[pc++]) {
    case 0: acc += x; break;
    case 1: acc ^= y; break;
    case 2: x = acc >> 3; break;
    case 3: y = acc << 1; break;
    case 4: acc -= x; break;
    case 5: buffer[acc & 0xfff] = (u8)y; break;
    case 6: x += buffer[y & 0xfff]; break;
    case 7: pc = 0; if (++n == 1000) { n = 0; sink = acc; } break;
    }
  }
}

void k_mm(void) {
  for (int i = 0; i < 32; i++) for (int j = 0; j < 32; j++) { a[i][j] = 1.0 / (i + j + 1); b[i][j] = i * 0.5 - j; }
  for (;;)
    for (int i = 0; i < 32; i++)
      for (int j = 0; j < 32; j++) {
        double s = 0;
        for (int k = 0; k < 32; k++) s += a[i][k] * b[k][j];
        c[i][j] = s;
        sink = (u64)s;
      }
}

void k_fp(void) {
  double x = 1.5;
  for (;;) {
    for (int i = 0; i < 1000; i++) x = (x * 1.0000001 + 3.25) / 1.1 - 0.5;
    sink = (u64)x;
  }
}

__attribute__((section(".start"))) void start(void (*kernel)(void)) { kernel(); }
