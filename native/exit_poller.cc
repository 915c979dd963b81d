#include "exit_poller.h"
#include "errors.h"
#include <array>
#include <csignal>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <utility>

namespace xsched {

namespace {

/// The id that means "stop" in the poller's own events; listeners count from 1.
constexpr uintptr_t kStopId = 0;

/// Blocks all signals for as long as it lives, so that a thread started meanwhile never runs
/// Node's signal handlers.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_;
};

} // namespace

ExitPoller::ExitPoller(Napi::Env env) {
    epoll_.Reset(epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_.IsOpen()) {
        throw MakeSystemError(env, errno, "epoll_create1", "watch processes");
    }
    stop_.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stop_.IsOpen()) {
        throw MakeSystemError(env, errno, "eventfd", "watch processes");
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kStopId;
    if (epoll_ctl(epoll_.Get(), EPOLL_CTL_ADD, stop_.Get(), &event) != 0) {
        throw MakeSystemError(env, errno, "epoll_ctl", "watch processes");
    }
    exits_ = ExitQueue::New(env, "xsched:ProcessWatch", 0, 1, this);
    exits_.Unref(env);
    SignalsBlocked blocked;
    try {
        thread_ = std::thread(&ExitPoller::Run, this);
    } catch (const std::system_error &error) {
        exits_.Release();
        throw MakeSystemError(env, error.code().value(), "pthread_create", "watch processes");
    }
    pthread_setname_np(thread_.native_handle(), "xsched-exits");
}

ExitPoller::~ExitPoller() {
    // The write cannot fail: the counter of a fresh eventfd has room for one.
    uint64_t one = 1;
    while (write(stop_.Get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
    thread_.join();
    exits_.Release();
}

uintptr_t ExitPoller::Add(Napi::Env env, int pidfd, Listener listener) {
    uintptr_t id = next_id_++;
    listeners_.emplace(id, std::move(listener));
    epoll_event event{};
    // One shot: a pidfd stays readable after the exit, and one event is all that is wanted.
    event.events = EPOLLIN | EPOLLONESHOT;
    event.data.u64 = id;
    if (epoll_ctl(epoll_.Get(), EPOLL_CTL_ADD, pidfd, &event) != 0) {
        int number = errno;
        listeners_.erase(id);
        throw MakeSystemError(env, number, "epoll_ctl", "watch a process");
    }
    return id;
}

void ExitPoller::Remove(uintptr_t id, int pidfd) {
    if (listeners_.erase(id) != 0) {
        epoll_ctl(epoll_.Get(), EPOLL_CTL_DEL, pidfd, nullptr);
    }
}

void ExitPoller::Run() {
    std::array<epoll_event, 64> events;
    for (;;) {
        int count = epoll_wait(epoll_.Get(), events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; i++) {
            auto id = static_cast<uintptr_t>(events[static_cast<size_t>(i)].data.u64);
            if (id == kStopId) {
                return;
            }
            // The queue has no limit, so a call fails only when the environment is going away.
            if (exits_.NonBlockingCall(reinterpret_cast<void *>(id)) != napi_ok) {
                return;
            }
        }
    }
}

void ExitPoller::Deliver(Napi::Env env, Napi::Function, ExitPoller *poller, void *data) {
    // Without an environment the queue is only being emptied, and the poller may be gone.
    if (env == nullptr) {
        return;
    }
    auto entry = poller->listeners_.find(reinterpret_cast<uintptr_t>(data));
    if (entry == poller->listeners_.end()) {
        return;
    }
    Listener listener = std::move(entry->second);
    poller->listeners_.erase(entry);
    listener();
}

} // namespace xsched
