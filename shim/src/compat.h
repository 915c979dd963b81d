/*
 * Old version nodes for functions that newer glibc moved, so that one build loads from glibc 2.31
 * on. glibc 2.34 merged libdl and libpthread into libc and gave their functions a second, newer
 * node; a plain build would ask for that one.
 */
#ifndef XSCHED_COMPAT_H
#define XSCHED_COMPAT_H

#if defined(__x86_64__)
#define COMPAT_NODE "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define COMPAT_NODE "GLIBC_2.17"
#endif

#if defined(COMPAT_NODE) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__asm__(".symver dlopen, dlopen@" COMPAT_NODE);
__asm__(".symver dlvsym, dlvsym@" COMPAT_NODE);
__asm__(".symver dladdr, dladdr@" COMPAT_NODE);
__asm__(".symver pthread_create, pthread_create@" COMPAT_NODE);
__asm__(".symver pthread_detach, pthread_detach@" COMPAT_NODE);
__asm__(".symver pthread_key_create, pthread_key_create@" COMPAT_NODE);
__asm__(".symver pthread_mutex_trylock, pthread_mutex_trylock@" COMPAT_NODE);
__asm__(".symver pthread_setspecific, pthread_setspecific@" COMPAT_NODE);
#endif

#endif
