#include "mapped_file.h"
#include "errors.h"
#include "unique_fd.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace xsched {

namespace {

Napi::Error MakePathError(Napi::Env env, int number, const char *call, const std::string &path) {
    Napi::Error error = MakeSystemError(env, number, call, "map " + path);
    error.Set("path", Napi::String::New(env, path));
    return error;
}

/// Opens a plain file of our own; in a folder that others may write to it need not be one.
void Open(Napi::Env env, const std::string &path, UniqueFd &file, struct stat &found) {
    constexpr mode_t kOwn = 0600;
    // What is no plain file must not keep us waiting, and a link could point at any file.
    file.Reset(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kOwn));
    if (!file.IsOpen()) {
        throw MakePathError(env, errno, "open", path);
    }
    if (fstat(file.Get(), &found) != 0) {
        throw MakePathError(env, errno, "fstat", path);
    }
    if (!S_ISREG(found.st_mode)) {
        throw MakePathError(env, EINVAL, "fstat", path);
    }
    if (found.st_uid != geteuid()) {
        throw MakePathError(env, EPERM, "fstat", path);
    }
}

} // namespace

void MappedFile::Map(Napi::Env env, const std::string &path, size_t length, mode_t mode,
                     gid_t gid) {
    Unmap();
    UniqueFd file;
    struct stat found{};
    Open(env, path, file, found);
    auto size = static_cast<off_t>(length);
    if (found.st_size != 0 && found.st_size != size) {
        Remove(env, path);
        Open(env, path, file, found);
    }
    if (gid != static_cast<gid_t>(-1) && fchown(file.Get(), -1, gid) != 0) {
        throw MakePathError(env, errno, "fchown", path);
    }
    if (fchmod(file.Get(), mode) != 0) {
        throw MakePathError(env, errno, "fchmod", path);
    }
    // Where the disk is full this fails now, and not with a signal when the memory is written to.
    if (int number = posix_fallocate(file.Get(), 0, size); number != 0) {
        throw MakePathError(env, number, "posix_fallocate", path);
    }
    void *start = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, file.Get(), 0);
    if (start == MAP_FAILED) {
        throw MakePathError(env, errno, "mmap", path);
    }
    start_ = start;
    length_ = length;
}

void MappedFile::Remove(Napi::Env env, const std::string &path) {
    if (unlink(path.c_str()) != 0 && errno != ENOENT) {
        throw MakePathError(env, errno, "unlink", path);
    }
}

void MappedFile::Unmap() {
    if (start_ != nullptr) {
        munmap(start_, length_);
    }
    start_ = nullptr;
}

} // namespace xsched
