// The PL011 serial port (DDI 0183 3.2, 3.3).
#include "kernel.h"
#include "memlayout.h"

#define REGISTER(offset) (*(volatile u32 *)to_virtual(UART_PHYSICAL + (offset)))
#define UARTDR REGISTER(0x00)
#define UARTFR REGISTER(0x18)
#define UARTIBRD REGISTER(0x24)
#define UARTFBRD REGISTER(0x28)
#define UARTLCR_H REGISTER(0x2c)
#define UARTCR REGISTER(0x30)
#define UARTIMSC REGISTER(0x38)

#define FR_RXFE (1 << 4)
#define FR_TXFF (1 << 5)
#define LCR_H_FEN (1 << 4)
#define LCR_H_WLEN_8 (3 << 5)
#define CR_UARTEN (1 << 0)
#define CR_TXE (1 << 8)
#define CR_RXE (1 << 9)
#define INT_RX (1 << 4)
#define INT_RT (1 << 6) // receive timeout: fewer characters than the FIFO's trigger level wait

// Off while the console has no room: what arrives waits in the FIFO, or in whoever sends.
void uart_receive_interrupt(int on) {
  UARTIMSC = on ? INT_RX | INT_RT : 0;
}

// What was typed before we came: enabling the FIFOs would lose it.
static u8 early[16];
static u32 early_count, early_taken;

void uart_init(void) {
  while (!(UARTFR & FR_RXFE) && early_count < sizeof(early)) early[early_count++] = (u8)UARTDR;
  UARTCR = 0;
  UARTIBRD = 13; // 115200 baud from the board's 24 MHz clock
  UARTFBRD = 1;
  UARTLCR_H = LCR_H_WLEN_8 | LCR_H_FEN;
  uart_receive_interrupt(1);
  UARTCR = CR_UARTEN | CR_TXE | CR_RXE;
}

static void put_raw(char c) {
  while (UARTFR & FR_TXFF) continue;
  UARTDR = (u8)c;
}

void uart_put(char c) {
  if (c == '\n') put_raw('\r');
  put_raw(c);
}

int uart_get(void) {
  if (early_taken < early_count) return early[early_taken++];
  return UARTFR & FR_RXFE ? -1 : (int)(UARTDR & 0xff);
}
