#include "file_lock.h"
#include "arguments.h"
#include "errors.h"
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <sys/file.h>

namespace xsched {

namespace {

/// Reads the process id that the holder wrote; 0 when there is none (it may not have got to it).
int64_t ReadHolder(int fd) {
    char text[24] = {};
    if (pread(fd, text, sizeof text - 1, 0) <= 0) {
        return 0;
    }
    char *end = nullptr;
    long long pid = std::strtoll(text, &end, 10);
    return *end == '\n' && pid >= 1 && pid <= kPidMax ? pid : 0;
}

Napi::Error MakeLockedError(Napi::Env env, const std::string &path, int fd) {
    int64_t holder = ReadHolder(fd);
    std::string who = holder == 0 ? "another process" : "process " + std::to_string(holder);
    Napi::Error error = MakeError(env, "ELOCKED", "cannot lock " + path + ": " + who + " holds it");
    error.Set("path", Napi::String::New(env, path));
    error.Set("pid",
              holder == 0 ? env.Null() : Napi::Number::New(env, static_cast<double>(holder)));
    return error;
}

Napi::Error MakePathError(Napi::Env env, int number, const char *call, const std::string &path) {
    Napi::Error error = MakeSystemError(env, number, call, "lock " + path);
    error.Set("path", Napi::String::New(env, path));
    return error;
}

} // namespace

Napi::Function FileLock::Define(Napi::Env env) {
    return DefineClass(env, "FileLock", {InstanceMethod<&FileLock::Release>("release")});
}

FileLock::FileLock(const Napi::CallbackInfo &info) : ObjectWrap(info) {
    Napi::Env env = info.Env();
    std::string path = TakeText(info, 0, "path", PATH_MAX - 1);

    // A link is not followed: in a folder that others may write to, it could point at any file.
    file_.Reset(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file_.IsOpen()) {
        throw MakePathError(env, errno, "open", path);
    }
    if (flock(file_.Get(), LOCK_EX | LOCK_NB) != 0) {
        int number = errno;
        throw number == EWOULDBLOCK ? MakeLockedError(env, path, file_.Get())
                                    : MakePathError(env, number, "flock", path);
    }
    std::string text = std::to_string(getpid()) + "\n";
    if (ftruncate(file_.Get(), 0) != 0) {
        throw MakePathError(env, errno, "ftruncate", path);
    }
    if (pwrite(file_.Get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        throw MakePathError(env, errno, "pwrite", path);
    }
    Ref();
}

void FileLock::Release(const Napi::CallbackInfo &) {
    if (!file_.IsOpen()) {
        return;
    }
    // The file stays: removing it would let two processes lock two files of one name.
    file_.Reset();
    Unref();
}

} // namespace xsched
