/*
 * The exported dlopen, for one thing only: to know of libraries that are loaded with RTLD_DEEPBIND
 * (deepbind.c). glibc finds the caller by its return address, and with it the caller's RUNPATH and
 * $ORIGIN, so the real function is reached by a jump that leaves the stack as it was.
 */
#include "keep.asm"

#define DEEPBIND 8

#if defined(__x86_64__)
    .text
    .globl dlopen
    .type dlopen, @function
dlopen:
    .cfi_startproc
#if defined(__CET__) && (__CET__ & 1)
    endbr64
#endif
    testb $DEEPBIND, %sil
    jnz .Lnote
    cmpb $0, deepbind_pending(%rip)
    jnz .Lnote
    movq dlopen_real(%rip), %rax
    testq %rax, %rax
    jz .Lnote
    jmp *%rax
.Lnote:
    call_keeping dlopen_note
    jmp *%rax
    .cfi_endproc
    .size dlopen, .-dlopen

#elif defined(__aarch64__)
    .text
    .globl dlopen
    .type dlopen, %function
dlopen:
    .cfi_startproc
    hint #34 /* bti c */
    tbnz w1, #3, .Lnote
    adrp x9, deepbind_pending
    ldrb w9, [x9, #:lo12:deepbind_pending]
    cbnz w9, .Lnote
    adrp x9, dlopen_real
    ldr x9, [x9, #:lo12:dlopen_real]
    cbz x9, .Lnote
    br x9
.Lnote:
    call_keeping dlopen_note
    br x9
    .cfi_endproc
    .size dlopen, .-dlopen
#else
#error "the shim has no dlopen for this processor: x86-64 and aarch64 only"
#endif
    .section .note.GNU-stack, "", %progbits
