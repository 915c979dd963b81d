/*
 * The exported dlsym.
 *
 * glibc finds the caller of dlsym by its return address (RTLD_NEXT, RTLD_DEFAULT and namespaces
 * depend on it), so every look-up that is none of the shim's business must reach the real function
 * by a jump that leaves the stack as it was. Only names that begin with "cu" and a capital letter,
 * or with "TRITONB", asked of an explicit handle, take the C path. Before any name is asked of such a
 * handle, deepbind.c looks at what was loaded; allocators, which look for what they replace in the
 * middle of their work, ask RTLD_NEXT.
 */
#include "keep.asm"

#if defined(__x86_64__)
    .text
    .globl dlsym
    .type dlsym, @function
dlsym:
    .cfi_startproc
#if defined(__CET__) && (__CET__ & 1)
    endbr64
#endif
    /* RTLD_DEFAULT is 0 and RTLD_NEXT is -1. */
    leaq 1(%rdi), %rax
    cmpq $1, %rax
    jbe .Lreal
    testq %rsi, %rsi
    jz .Lreal
    cmpb $0, deepbind_pending(%rip)
    jne .Lcheck
.Lname:
    cmpb $'c', (%rsi)
    jne .Ltriton
    cmpb $'u', 1(%rsi)
    jne .Lreal
    movzbl 2(%rsi), %eax
    subl $'A', %eax
    cmpl $25, %eax
    ja .Lreal
    /* dlsym_cuda(handle, name, return address) */
    movq (%rsp), %rdx
    jmp dlsym_cuda
.Ltriton:
    /* Byte by byte: the terminator of a shorter name ends the comparison. */
    cmpb $'T', (%rsi)
    jne .Lreal
    cmpb $'R', 1(%rsi)
    jne .Lreal
    cmpb $'I', 2(%rsi)
    jne .Lreal
    cmpb $'T', 3(%rsi)
    jne .Lreal
    cmpb $'O', 4(%rsi)
    jne .Lreal
    cmpb $'N', 5(%rsi)
    jne .Lreal
    cmpb $'B', 6(%rsi)
    jne .Lreal
    movq (%rsp), %rdx
    jmp dlsym_triton
.Lreal:
    movq dlsym_real(%rip), %rax
    testq %rax, %rax
    jz .Lbootstrap
    jmp *%rax
.Lcheck:
    call_keeping deepbind_check
    jmp .Lname
.Lbootstrap:
    call_keeping dlsym_bootstrap
    jmp *%rax
    .cfi_endproc
    .size dlsym, .-dlsym

#elif defined(__aarch64__)
    .text
    .globl dlsym
    .type dlsym, %function
dlsym:
    .cfi_startproc
    hint #34 /* bti c */
    add x9, x0, #1
    cmp x9, #1
    b.ls .Lreal
    cbz x1, .Lreal
    adrp x9, deepbind_pending
    ldrb w9, [x9, #:lo12:deepbind_pending]
    cbnz w9, .Lcheck
.Lname:
    ldrb w9, [x1]
    cmp w9, #'c'
    b.ne .Ltriton
    ldrb w9, [x1, #1]
    cmp w9, #'u'
    b.ne .Lreal
    ldrb w9, [x1, #2]
    sub w9, w9, #'A'
    cmp w9, #25
    b.hi .Lreal
    mov x2, x30
    b dlsym_cuda
.Ltriton:
    cmp w9, #'T'
    b.ne .Lreal
    ldrb w9, [x1, #1]
    cmp w9, #'R'
    b.ne .Lreal
    ldrb w9, [x1, #2]
    cmp w9, #'I'
    b.ne .Lreal
    ldrb w9, [x1, #3]
    cmp w9, #'T'
    b.ne .Lreal
    ldrb w9, [x1, #4]
    cmp w9, #'O'
    b.ne .Lreal
    ldrb w9, [x1, #5]
    cmp w9, #'N'
    b.ne .Lreal
    ldrb w9, [x1, #6]
    cmp w9, #'B'
    b.ne .Lreal
    mov x2, x30
    b dlsym_triton
.Lreal:
    adrp x9, dlsym_real
    ldr x9, [x9, #:lo12:dlsym_real]
    cbz x9, .Lbootstrap
    br x9
.Lcheck:
    call_keeping deepbind_check
    b .Lname
.Lbootstrap:
    call_keeping dlsym_bootstrap
    br x9
    .cfi_endproc
    .size dlsym, .-dlsym
#else
#error "the shim has no dlsym for this processor: x86-64 and aarch64 only"
#endif
    .section .note.GNU-stack, "", %progbits
