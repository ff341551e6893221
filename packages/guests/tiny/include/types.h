// The fixed-width integers that kernel and programs share.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed int s32;
typedef signed long s64;

#define NULL ((void *)0)
#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))
