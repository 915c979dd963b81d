#ifndef XSCHED_NATIVE_EXIT_POLLER_H
#define XSCHED_NATIVE_EXIT_POLLER_H

#include "unique_fd.h"
#include <cstdint>
#include <functional>
#include <napi.h>
#include <thread>
#include <unordered_map>

namespace xsched {

/// Waits for the exit of any number of processes with one thread of its own, because Node-API
/// offers no way to poll a descriptor on Node's event loop.
///
/// The thread touches only the two descriptors and the thread-safe function; everything else
/// belongs to the JavaScript thread. It never keeps Node's event loop alive.
class ExitPoller {
public:
    using Listener = std::function<void()>;

    /// Throws Napi::Error when descriptors or threads have run out.
    explicit ExitPoller(Napi::Env env);
    ExitPoller(const ExitPoller &) = delete;
    ExitPoller &operator=(const ExitPoller &) = delete;
    /// Stops the thread and waits for its end. Must run before the environment closes the
    /// thread-safe function.
    ~ExitPoller();

    /// Calls the listener once, on the JavaScript thread, when the pidfd's process has exited.
    /// Returns what Remove wants. Throws Napi::Error.
    uintptr_t Add(Napi::Env env, int pidfd, Listener listener);
    /// Forgets a listener; one whose exit is already on its way is not called any more.
    void Remove(uintptr_t id, int pidfd);

private:
    static void Deliver(Napi::Env env, Napi::Function, ExitPoller *poller, void *data);
    using ExitQueue = Napi::TypedThreadSafeFunction<ExitPoller, void, Deliver>;

    void Run();

    std::unordered_map<uintptr_t, Listener> listeners_;
    uintptr_t next_id_ = 1;
    UniqueFd epoll_;
    UniqueFd stop_;
    ExitQueue exits_;
    std::thread thread_;
};

} // namespace xsched

#endif
