// The programs and texts inside the image: struct program programs[] (kernel.h), ended by a null name.

.macro file label, path
        .balign 8
\label: .incbin "\path"
\label\()_end:
.endm

.macro program name, label
        .pushsection .rodata.names, "a"
1:      .asciz  "\name"
        .popsection
        .quad   1b, \label, \label\()_end
.endm

        .section .rodata.files, "a"
        file    init, init.elf
        file    sh, sh.elf
        file    selftest, selftest.elf
        file    bench, bench.elf
        file    execloop, execloop.elf
        file    tools, tools.elf
        file    readme, readme.txt

        .section .rodata.programs, "a"
        .balign 8
        .global programs
programs:
        program init, init
        program sh, sh
        program selftest, selftest
        program selftest-broken, selftest       // the same: by this name it has a check that fails
        program bench, bench
        program execloop, execloop
        program cat, tools
        program crash, tools
        program echo, tools
        program ls, tools
        program poweroff, tools
        program ps, tools
        program sleep, tools
        program uname, tools
        program wc, tools
        program readme, readme
        .quad   0, 0, 0
