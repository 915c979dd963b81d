#ifndef XSCHED_NATIVE_FILE_LOCK_H
#define XSCHED_NATIVE_FILE_LOCK_H

#include "unique_fd.h"
#include <napi.h>

namespace xsched {

/// `new FileLock(path)`: an exclusive flock on a file that says who holds it.
///
/// While it is held it refers to itself: a lock must not vanish because its object was collected.
class FileLock : public Napi::ObjectWrap<FileLock> {
public:
    static Napi::Function Define(Napi::Env env);

    explicit FileLock(const Napi::CallbackInfo &info);

private:
    void Release(const Napi::CallbackInfo &info);

    UniqueFd file_;
};

} // namespace xsched

#endif
