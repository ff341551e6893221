// The tasks and who runs them.
#pragma once

#include "kit.h"

struct task {
  const char *name;
  u32 period_us, work_us;
  u64 period;   // ticks
  u64 loops;    // of work() in one job
  u64 jobs;     // that it shall do
  u64 released; // of them, those whose time has come
  u64 done;
  u64 missed; // ended after the next one's release
  u64 latest; // the longest from a job's release to its beginning, in ticks
};

#define TASKS 3
extern struct task tasks[TASKS];

// tasks.c
u64 microseconds(u64 ticks);        // rounded up
void run_tasks(u64 jobs, u64 load); // until all jobs are done
