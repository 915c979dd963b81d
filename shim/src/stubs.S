/*
 * The stubs of unknown.c: each counts, and jumps on with every argument, the stack and the return
 * address as they were. 32 bytes each, as many as UNKNOWN_MAX.
 */
#define STUBS 128

#if defined(__x86_64__)
    .text
    .globl unknown_stubs
    .hidden unknown_stubs
    .type unknown_stubs, @function
    .p2align 5
unknown_stubs:
    .set stub, 0
    .rept STUBS
    .p2align 5
#if defined(__CET__) && (__CET__ & 1)
    endbr64
#endif
    lock incq unknown_calls + 8 * stub(%rip)
    jmp *unknown_real + 8 * stub(%rip)
    .set stub, stub + 1
    .endr
    .p2align 5
    .size unknown_stubs, .-unknown_stubs

#elif defined(__aarch64__)
    .text
    .globl unknown_stubs
    .hidden unknown_stubs
    .type unknown_stubs, %function
    .p2align 5
unknown_stubs:
    /* x9 to x17 are free where a function begins. */
    .set stub, 0
    .rept STUBS
    .p2align 5
    hint #34 /* bti c */
    mov w9, #stub
    b .Lcount
    .set stub, stub + 1
    .endr
    .p2align 5
.Lcount:
    adrp x10, unknown_calls
    add x10, x10, #:lo12:unknown_calls
    add x10, x10, x9, lsl #3
1:  ldxr x11, [x10]
    add x11, x11, #1
    stxr w12, x11, [x10]
    cbnz w12, 1b
    adrp x10, unknown_real
    add x10, x10, #:lo12:unknown_real
    ldr x16, [x10, x9, lsl #3]
    br x16
    .size unknown_stubs, .-unknown_stubs
#else
#error "the shim has no stubs for this processor: x86-64 and aarch64 only"
#endif
    .section .note.GNU-stack, "", %progbits
