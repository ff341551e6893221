// The anchor of the interpreter benchmark: a switch interpreter as one would write it in C, over the same kind of records, with
// the same TLB check, flags and instruction count. clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry,--export-all

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

typedef struct { u16 op, d, n, m; int imm, pad; } Record;
typedef struct { u64 read, write; u32 addend, pad[3]; } Entry;

Record program[64];
Entry tlb[1024];
u64 x[34];
u8 ram[65536];

#define LOAD(type, address) ({ u64 va = (address); Entry *e = &tlb[va >> 12 & 1023]; \
  if (e->read != ((va + sizeof(type) - 1) & ~0xfffull)) return -1; *(type *)(u32)((u32)va + e->addend); })
#define STORE(type, address, value) ({ u64 va = (address); Entry *e = &tlb[va >> 12 & 1023]; \
  if (e->write != ((va + sizeof(type) - 1) & ~0xfffull)) return -1; *(type *)(u32)((u32)va + e->addend) = (type)(value); })

enum { ADDI, SUBSI, ADD, SUB, AND, ORR, EOR, LSL, LSR, MADD, LDR, LDRB, STR, STRB, CMP, CSELCC, UBFX, BNE, CBZ, MOV, ADDW, EORW, B };

int reset(void) {
  for (u32 i = 0; i < 1024; i++) tlb[i].read = tlb[i].write = -1;
  for (u32 i = 0; i < 16; i++) {
    tlb[i].read = tlb[i].write = i << 12;
    tlb[i].addend = (u32)ram;
  }
  return 0;
}

int run(int remaining) {
  const Record *r = program;
  u64 n = 0, z = 1, v = 0;
  u32 c = 0;
  for (;; r++) {
    if (remaining-- == 0) return 0;
    switch (r->op) {
    case ADDI: x[r->d] = x[r->n] + (i64)r->imm; break;
    case SUBSI: { u64 a = x[r->n], b = (i64)r->imm, s = a - b; x[r->d] = n = z = s; c = a >= b; v = (a ^ b) & (a ^ s); break; }
    case ADD: x[r->d] = x[r->n] + (x[r->m] << r->imm); break;
    case SUB: x[r->d] = x[r->n] - (x[r->m] << r->imm); break;
    case AND: x[r->d] = x[r->n] & (x[r->m] << r->imm); break;
    case ORR: x[r->d] = x[r->n] | (x[r->m] << r->imm); break;
    case EOR: x[r->d] = x[r->n] ^ (x[r->m] << r->imm); break;
    case LSL: x[r->d] = x[r->n] << r->imm; break;
    case LSR: x[r->d] = x[r->n] >> r->imm; break;
    case MADD: x[r->d] = x[r->imm] + x[r->n] * x[r->m]; break;
    case LDR: x[r->d] = LOAD(u64, x[r->n] + (i64)r->imm); break;
    case LDRB: x[r->d] = LOAD(u8, x[r->n] + (i64)r->imm); break;
    case STR: STORE(u64, x[r->n] + (i64)r->imm, x[r->d]); break;
    case STRB: STORE(u8, x[r->n] + (i64)r->imm, x[r->d]); break;
    case CMP: { u64 a = x[r->n], b = x[r->m], s = a - b; n = z = s; c = a >= b; v = (a ^ b) & (a ^ s); break; }
    case CSELCC: x[r->d] = c ? x[r->m] : x[r->n]; break;
    case UBFX: x[r->d] = x[r->n] << r->m >> r->imm; break;
    case BNE: if (z) r += r->imm; break;
    case CBZ: if (x[r->n] == 0) r += r->imm; break;
    case MOV: x[r->d] = x[r->n]; break;
    case ADDW: x[r->d] = (u32)(x[r->n] + x[r->m]); break;
    case EORW: x[r->d] = (u32)(x[r->n] ^ x[r->m]); break;
    case B: r += r->imm; break;
    }
    if (((i64)n < 0) & ((i64)v < 0) & (c > 1)) return 1;
  }
}
