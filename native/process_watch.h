#ifndef XSCHED_NATIVE_PROCESS_WATCH_H
#define XSCHED_NATIVE_PROCESS_WATCH_H

#include "exit_poller.h"
#include "unique_fd.h"
#include <napi.h>

namespace xsched {

/// `new ProcessWatch(pid, onExit)`: calls onExit once when the process has exited.
///
/// While it is active it refers to itself, so nobody has to keep the object for the call to come.
class ProcessWatch : public Napi::ObjectWrap<ProcessWatch> {
public:
    static Napi::Function Define(Napi::Env env);

    explicit ProcessWatch(const Napi::CallbackInfo &info);

private:
    void Close(const Napi::CallbackInfo &info);
    void HandleExit();
    /// Lets go of everything; the second time it does nothing.
    void Stop();

    // Order is destruction order, reversed: the callback goes before the descriptor.
    UniqueFd pidfd_;
    uintptr_t poller_id_ = 0;
    Napi::FunctionReference on_exit_;
};

} // namespace xsched

#endif
