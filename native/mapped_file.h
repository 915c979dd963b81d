#ifndef XSCHED_NATIVE_MAPPED_FILE_H
#define XSCHED_NATIVE_MAPPED_FILE_H

#include <cstddef>
#include <napi.h>
#include <string>
#include <sys/types.h>

namespace xsched {

/// A file in memory, shared with whoever else maps it.
class MappedFile {
public:
    MappedFile() = default;
    MappedFile(const MappedFile &) = delete;
    MappedFile &operator=(const MappedFile &) = delete;
    ~MappedFile() { Unmap(); }

    /// Opens a file of that length and gives it that mode and group. It is made, of zeros, if it is
    /// missing, and anew if it has another length: whoever has the other one mapped keeps it.
    /// @param gid -1 to leave the group as it is
    /// @throws Napi::Error of the system call that failed; EPERM for a file of another user
    void Map(Napi::Env env, const std::string &path, size_t length, mode_t mode, gid_t gid);

    void Unmap();

    /// Removes a file, if it is there. Throws Napi::Error.
    static void Remove(Napi::Env env, const std::string &path);

    void *Get() const { return start_; }

private:
    void *start_ = nullptr;
    size_t length_ = 0;
};

} // namespace xsched

#endif
