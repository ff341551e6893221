// One function for each system call; the numbers are in include/abi.h.
#include <abi.h>

.macro call name, number
        .section .text.\name, "ax"
        .global \name
\name:  mov     x8, #\number
        svc     #0
        ret
.endm

        call    exit, SYS_exit
        call    fork, SYS_fork
        call    exec, SYS_exec
        call    wait, SYS_wait
        call    getpid, SYS_getpid
        call    kill, SYS_kill
        call    yield, SYS_yield
        call    sbrk, SYS_sbrk
        call    sleep, SYS_sleep
        call    open, SYS_open
        call    close, SYS_close
        call    read, SYS_read
        call    write, SYS_write
        call    dup, SYS_dup
        call    pipe, SYS_pipe
        call    listfile, SYS_listfile
        call    listproc, SYS_listproc
        call    sysinfo, SYS_sysinfo
        call    poweroff, SYS_poweroff
        call    kbench, SYS_kbench
        call    ktest, SYS_ktest
