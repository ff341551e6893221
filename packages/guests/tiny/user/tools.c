// The small programs, all in one file: its name, argv[0], says which it is.
#include "user.h"

static int echo(int count, char **arguments) {
  for (int i = 1; i < count; i++) printf("%s%s", i > 1 ? " " : "", arguments[i]);
  printf("\n");
  return 0;
}

static int cat(int count, char **arguments) {
  static char buffer[512];
  int from = count > 1 ? open(arguments[1]) : 0;
  if (from < 0) {
    printf("cat: there is no file '%s'\n", arguments[1]);
    return 1;
  }
  s64 length;
  while ((length = read(from, buffer, sizeof(buffer))) > 0) write(1, buffer, (u64)length);
  return 0;
}

static int wc(int count, char **arguments) {
  (void)count, (void)arguments;
  static char buffer[512];
  u64 lines = 0, words = 0, bytes = 0;
  int in_word = 0;
  s64 length;
  while ((length = read(0, buffer, sizeof(buffer))) > 0) {
    bytes += (u64)length;
    for (s64 i = 0; i < length; i++) {
      int letter = buffer[i] > ' ';
      lines += buffer[i] == '\n';
      words += (u64)(letter && !in_word);
      in_word = letter;
    }
  }
  printf("%lu %lu %lu\n", lines, words, bytes);
  return 0;
}

static int ls(int count, char **arguments) {
  (void)count, (void)arguments;
  struct file_info info;
  for (u64 i = 0; listfile(i, &info) >= 0; i++) printf("%8lu %s\n", info.size, info.name);
  return 0;
}

static int ps(int count, char **arguments) {
  (void)count, (void)arguments;
  struct process_info p;
  printf("pid parent state    switches preempted zero-fills copies name\n");
  for (u64 i = 0; listproc(i, &p) >= 0; i++) {
    if (p.pid == 0) continue;
    printf("%3d %6d %-8s %8lu %9lu %10lu %6lu %s\n", p.pid, p.parent, p.state, p.switches, p.preemptions, p.zero_fills, p.copies, p.name);
  }
  return 0;
}

static int uname(int count, char **arguments) {
  (void)count, (void)arguments;
  struct system_info info;
  sysinfo(&info);
  printf("tiny 1.0 aarch64, entered at EL%lu, MIDR_EL1 0x%08lx, %lu MiB, %lu KiB free\n", info.entry_level, info.midr, info.memory >> 20, info.free_pages * 4);
  return 0;
}

static int sleep_milliseconds(int count, char **arguments) {
  return sleep(count > 1 ? parse_number(arguments[1]) * 1000 : 0);
}

static int crash(int count, char **arguments) {
  const char *kind = count > 1 ? arguments[1] : "null";
  if (strcmp(kind, "text") == 0) *(volatile u32 *)0x10000 = 0;
  else if (strcmp(kind, "undefined") == 0) asm volatile(".inst 0");
  else if (strcmp(kind, "privileged") == 0) asm volatile("mrs x0, sctlr_el1" ::: "x0");
  else if (strcmp(kind, "stack") == 0) asm volatile("sub sp, sp, #0x20000\n\tstr xzr, [sp]");
  else (void)*(volatile u32 *)8;
  return 0;
}

static int power(int count, char **arguments) {
  (void)count, (void)arguments;
  return poweroff();
}

int main(int count, char **arguments) {
  static const struct {
    const char *name;
    int (*run)(int, char **);
  } tools[] = {
      {"cat", cat}, {"crash", crash}, {"echo", echo},   {"ls", ls}, {"poweroff", power},
      {"ps", ps},   {"uname", uname}, {"sleep", sleep_milliseconds}, {"wc", wc},
  };
  for (u64 i = 0; i < ARRAY_LENGTH(tools); i++) {
    if (strcmp(tools[i].name, arguments[0]) == 0) return tools[i].run(count, arguments);
  }
  return 127;
}
