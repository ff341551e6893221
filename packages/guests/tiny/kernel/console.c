// The console's line discipline: echo, backspace, end of file on control-D. Whole lines go to readers.
#include "kernel.h"

#define LINE_BUFFER 256 // a power of two
#define CONTROL(c) ((c) - '@')

static char buffer[LINE_BUFFER];
static u32 read_at, line_end, edit_at; // free-running; [read_at, line_end) are whole lines

static void echo_erase(void) {
  edit_at--;
  uart_put('\b'), uart_put(' '), uart_put('\b');
}

static void edit(char c) {
  if (c == '\b' || c == 0x7f) {
    if (edit_at != line_end) echo_erase();
  } else if (c == CONTROL('U')) {
    while (edit_at != line_end) echo_erase();
  } else if (c == '\n' || c == CONTROL('D') || (c >= ' ' && c < 0x7f)) {
    if (edit_at - read_at >= LINE_BUFFER - (c >= ' ')) return; // the last place is for the newline
    if (c != CONTROL('D')) uart_put(c);
    buffer[edit_at++ % LINE_BUFFER] = c;
    if (c < ' ') {
      line_end = edit_at;
      wake_up(&read_at);
    }
  }
}

// No room, and a reader will make some.
static int is_full(void) {
  return edit_at - read_at >= LINE_BUFFER - 1 && read_at != line_end;
}

// The PL011 has characters: drain its FIFO, which also lowers the interrupt.
void console_interrupt(void) {
  int c;
  while (!is_full() && (c = uart_get()) >= 0) edit(c == '\r' ? '\n' : (char)c);
  uart_receive_interrupt(!is_full());
}

// At most one line; 0 for control-D at its beginning.
s64 console_read(u64 user, u64 count) {
  while (read_at == line_end) {
    if (current->killed) return -1;
    sleep_on(&read_at);
  }
  u64 done = 0;
  while (done < count && read_at != line_end) {
    char c = buffer[read_at % LINE_BUFFER];
    if (c == CONTROL('D')) {
      if (done == 0) read_at++; // after text it ends this read, and the next one finds it
      break;
    }
    read_at++;
    if (copy_to_user(user + done, &c, 1) < 0) return -1;
    done++;
    if (c == '\n') break;
  }
  console_interrupt(); // more may wait for the room
  return (s64)done;
}
