// The GICv2: distributor and CPU interface (IHI 0048B 4.3, 4.4), one CPU, all interrupts alike.
#include "kernel.h"
#include "memlayout.h"

#define GICD(offset) (*(volatile u32 *)to_virtual(GICD_PHYSICAL + (offset)))
#define GICC(offset) (*(volatile u32 *)to_virtual(GICC_PHYSICAL + (offset)))

#define GICD_CTLR GICD(0x000)
#define GICD_ISENABLER(n) GICD(0x100 + 4 * (n))
#define GICD_IPRIORITYR(byte) (*(volatile u8 *)to_virtual(GICD_PHYSICAL + 0x400 + (byte)))
#define GICD_ITARGETSR(byte) (*(volatile u8 *)to_virtual(GICD_PHYSICAL + 0x800 + (byte)))
#define GICC_CTLR GICC(0x000)
#define GICC_PMR GICC(0x004)
#define GICC_IAR GICC(0x00c)
#define GICC_EOIR GICC(0x010)

#define PRIORITY 0x80
#define FIRST_SPI 32

void gic_init(void) {
  GICD_CTLR = 1;
  GICC_PMR = 0xff;
  GICC_CTLR = 1;
}

void gic_enable(u32 interrupt) {
  GICD_IPRIORITYR(interrupt) = PRIORITY;
  if (interrupt >= FIRST_SPI) GICD_ITARGETSR(interrupt) = 1; // this CPU
  GICD_ISENABLER(interrupt / 32) = 1u << (interrupt % 32);
}

u32 gic_acknowledge(void) {
  return GICC_IAR & 0x3ff;
}

void gic_end(u32 interrupt) {
  GICC_EOIR = interrupt;
}
