#ifndef XSCHED_NATIVE_ERRORS_H
#define XSCHED_NATIVE_ERRORS_H

#include <cerrno>
#include <cstring>
#include <napi.h>
#include <string>

namespace xsched {

/// The symbolic name of an errno value that our system calls can give; "E<number>" for any other.
/// (glibc has strerrorname_np only since 2.32, and we run on 2.31.)
inline std::string ErrnoName(int number) {
    switch (number) {
#define XSCHED_NAME(code)                                                                          \
    case code:                                                                                     \
        return #code;
        XSCHED_NAME(EACCES)
        XSCHED_NAME(EAGAIN)
        XSCHED_NAME(ECONNREFUSED)
        XSCHED_NAME(EINVAL)
        XSCHED_NAME(EISDIR)
        XSCHED_NAME(ELOOP)
        XSCHED_NAME(EMFILE)
        XSCHED_NAME(EMSGSIZE)
        XSCHED_NAME(ENAMETOOLONG)
        XSCHED_NAME(ENFILE)
        XSCHED_NAME(ENODEV)
        XSCHED_NAME(ENOENT)
        XSCHED_NAME(ENOLCK)
        XSCHED_NAME(ENOMEM)
        XSCHED_NAME(ENOSPC)
        XSCHED_NAME(ENOSYS)
        XSCHED_NAME(ENOTDIR)
        XSCHED_NAME(ENXIO)
        XSCHED_NAME(EPERM)
        XSCHED_NAME(EPROTOTYPE)
        XSCHED_NAME(EROFS)
        XSCHED_NAME(ESRCH)
#undef XSCHED_NAME
    default:
        return "E" + std::to_string(number);
    }
}

/// An Error with a `code`, as Node's own errors have one.
inline Napi::Error MakeError(Napi::Env env, const std::string &code, const std::string &message) {
    Napi::Error error = Napi::Error::New(env, message);
    error.Set("code", Napi::String::New(env, code));
    return error;
}

/// An Error for a failed system call: "cannot <what>: <reason> (<call>, <code>)" with `code`,
/// `errno` and `syscall`.
inline Napi::Error MakeSystemError(Napi::Env env, int number, const char *call,
                                   const std::string &what) {
    std::string code = ErrnoName(number);
    Napi::Error error = MakeError(env, code,
                                  "cannot " + what + ": " + std::strerror(number) + " (" + call +
                                      ", " + code + ")");
    error.Set("errno", Napi::Number::New(env, number));
    error.Set("syscall", Napi::String::New(env, call));
    return error;
}

} // namespace xsched

#endif
