// The shell: words, pipes, and `help`.
#include "user.h"

#define LINE 256
#define STAGES 4

static const char help[] =
    "bench           measure system calls, switches, faults, devices\n"
    "cat [FILE]      print a file, or the input\n"
    "crash [KIND]    die of an exception: null, text, undefined, privileged, stack\n"
    "echo [WORD...]  print its arguments\n"
    "ls              list programs and files\n"
    "poweroff        end the machine\n"
    "ps              list processes\n"
    "selftest        check the kernel\n"
    "sleep MS        wait\n"
    "uname           name the system and the CPU\n"
    "wc              count lines, words and bytes of the input\n"
    "exit            end this shell; init starts another\n";

static int split(char *text, const char **words, int most) {
  int count = 0;
  for (;;) {
    while (*text == ' ' || *text == '\t' || *text == '\n') *text++ = 0;
    if (*text == 0 || count == most) break;
    words[count++] = text;
    while (*text && *text != ' ' && *text != '\t' && *text != '\n') text++;
  }
  words[count] = NULL;
  return count;
}

// Makes `from` the descriptor `to`, and gives `from` up.
static void move(int from, int to) {
  if (from == to) return;
  close(to);
  dup(from); // the lowest free one: `to`, as all below it are open
  close(from);
}

static int start(const char **words, int in, int out, int unused) {
  int pid = fork();
  if (pid != 0) return pid;
  if (unused >= 0) close(unused);
  move(in, 0);
  move(out, 1);
  exec(words[0], words);
  printf("sh: there is no program '%s'; try help\n", words[0]);
  exit(127);
}

// Runs a | b | c; waits for all of them.
static void run_pipeline(char *line) {
  const char *words[STAGES][MAX_ARGUMENTS];
  int stages = 0;
  for (char *next = line; next != NULL;) {
    char *stage = next;
    next = NULL;
    for (char *c = stage; *c && next == NULL; c++) {
      if (*c == '|') *c = 0, next = c + 1;
    }
    if (stages == STAGES) return printf("sh: at most %d programs in a pipe\n", STAGES);
    if (split(stage, words[stages++], MAX_ARGUMENTS - 1) == 0) {
      if (stages > 1 || next) printf("sh: a program is missing beside '|'\n");
      return;
    }
  }
  int pids[STAGES], in = 0;
  for (int i = 0; i < stages; i++) {
    int ends[2] = {-1, 1};
    if (i + 1 < stages && pipe(ends) < 0) return printf("sh: no pipe\n");
    pids[i] = start(words[i], in, ends[1], ends[0]);
    if (pids[i] < 0) printf("sh: cannot fork\n");
    if (in != 0) close(in);
    if (ends[1] != 1) close(ends[1]);
    in = ends[0];
  }
  for (int left = stages; left > 0; left--) {
    struct exit_report report;
    int pid = wait(&report);
    for (int i = 0; i < stages; i++) {
      if (pids[i] == pid) print_end(words[i][0], &report);
    }
  }
}

int main(void) {
  static char line[LINE];
  for (;;) {
    printf("tiny$ ");
    s64 length = read(0, line, LINE - 1);
    if (length <= 0) return 0;
    line[length] = 0;
    if (strcmp(line, "help\n") == 0) printf("%s", help);
    else if (strcmp(line, "exit\n") == 0) return 0;
    else run_pipeline(line);
  }
}
