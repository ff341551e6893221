// The first program. Its arguments are the kernel's bootargs: each names a program, which is run to
// its end; then comes the shell, again and again.
#include "user.h"

static int run(const char *name) {
  const char *arguments[] = {name, NULL};
  int pid = fork();
  if (pid == 0) {
    exec(name, arguments);
    exit(127);
  }
  struct exit_report report = wait_for(pid);
  print_end(name, &report);
  return report.code;
}

int main(int count, char **arguments) {
  for (int i = 1; i < count; i++) {
    if (run(arguments[i]) == 127) printf("init: there is no program '%s'\n", arguments[i]);
  }
  printf("tiny: type help\n");
  for (;;) run("sh");
}
