// The little library that both the kernel and the programs link.
#pragma once

#include <types.h>

void *memset(void *to, int byte, u64 count);
void *memcpy(void *to, const void *from, u64 count);
void *memmove(void *to, const void *from, u64 count);
int memcmp(const void *a, const void *b, u64 count);
u64 strlen(const char *s);
int strcmp(const char *a, const char *b);
void copy_string(char *to, const char *from, u64 size); // truncates, always ends with NUL

// printf's core: %d %u %x %lx %s %c with width, '-' and '0'; each character goes to `put`.
void format(void (*put)(char), const char *pattern, __builtin_va_list arguments);
