// Runs a batch of test slots under Linux for A64 (QEMU's user mode): maps the file that `batch.ts` wrote, puts the routines of
// `harness.S` on its first page, and jumps to the first slot. Each slot ends by jumping to the next. A signal is noted in the
// slot's block, and the slot's instructions are over.

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#define BASE 0x1000000000ul
#define FIRST 4096ul
#define SLOT 64ul
#define SLOTS 128ul
#define BLOCK 1280ul
#define CODE (SLOT * SLOTS)
#define CHUNK (CODE + BLOCK * SLOTS)
#define SIGNAL 280
#define AFTER 0x14

extern char routines[], routinesEnd[];

static void noted(int number, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    uint64_t offset = uc->uc_mcontext.pc - BASE - FIRST;
    uint64_t chunk = offset / CHUNK, slot = offset % CHUNK / SLOT;
    char *code = (char *)BASE + FIRST + chunk * CHUNK;
    (void)info;
    if (uc->uc_mcontext.pc < BASE + FIRST || slot >= SLOTS) _exit(3);
    *(uint32_t *)(code + CODE + slot * BLOCK + SIGNAL) = number;
    uc->uc_mcontext.pc = (uint64_t)code + slot * SLOT + AFTER;
}

int main(int argc, char **argv)
{
    static const int signals[] = {SIGILL, SIGTRAP, SIGBUS, SIGSEGV, SIGFPE};
    struct sigaction action;
    struct stat file;
    stack_t stack = {.ss_size = 65536};
    int fd = argc == 2 ? open(argv[1], O_RDWR) : -1;

    if (fd < 0 || fstat(fd, &file) != 0) return 2;
    void *map = mmap((void *)BASE, file.st_size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0);
    if (map != (void *)BASE) return 2;
    memcpy(map, routines, routinesEnd - routines);
    __builtin___clear_cache((char *)map, (char *)map + file.st_size);
    stack.ss_sp = malloc(stack.ss_size);
    sigaltstack(&stack, NULL);
    memset(&action, 0, sizeof action);
    action.sa_sigaction = noted;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
    ((void (*)(void))(BASE + FIRST))();
    return 4;
}
