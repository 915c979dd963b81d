#ifndef XSCHED_NATIVE_UNIQUE_FD_H
#define XSCHED_NATIVE_UNIQUE_FD_H

#include <unistd.h>

namespace xsched {

/// Owns one file descriptor and closes it. Empty is -1.
class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(const UniqueFd &) = delete;
    UniqueFd &operator=(const UniqueFd &) = delete;
    ~UniqueFd() { Reset(); }

    int Get() const { return fd_; }
    bool IsOpen() const { return fd_ >= 0; }

    /// Closes what it owns, then takes another descriptor, or none.
    void Reset(int fd = -1) {
        if (fd_ >= 0) {
            close(fd_);
        }
        fd_ = fd;
    }

private:
    int fd_ = -1;
};

} // namespace xsched

#endif
