#include "process_watch.h"
#include "addon.h"
#include "arguments.h"
#include "errors.h"
#include <sys/syscall.h>

namespace xsched {

namespace {

/// Calls a function whose exceptions nobody above can catch: they become uncaught exceptions.
///
/// Function::Call would not do. It turns an exception into a C++ one, which ends the process when
/// a worker is being terminated, and Node only warns of what leaves a thread-safe function.
void CallUncaught(Napi::Env env, Napi::Function function) {
    napi_status status = napi_call_function(env, env.Undefined(), function, 0, nullptr, nullptr);
    napi_value thrown = nullptr;
    if (status == napi_pending_exception &&
        napi_get_and_clear_last_exception(env, &thrown) == napi_ok) {
        napi_fatal_exception(env, thrown);
    }
}

} // namespace

Napi::Function ProcessWatch::Define(Napi::Env env) {
    return DefineClass(env, "ProcessWatch", {InstanceMethod<&ProcessWatch::Close>("close")});
}

ProcessWatch::ProcessWatch(const Napi::CallbackInfo &info) : ObjectWrap(info) {
    Napi::Env env = info.Env();
    int32_t pid = TakePid(info, 0);
    Napi::Function on_exit = TakeFunction(info, 1, "onExit");

    pidfd_.Reset(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd_.IsOpen()) {
        int number = errno;
        Napi::Error error =
            MakeSystemError(env, number, "pidfd_open", "watch process " + std::to_string(pid));
        error.Set("pid", Napi::Number::New(env, pid));
        throw error;
    }
    on_exit_ = Napi::Persistent(on_exit);
    poller_id_ = Addon::Of(env).Poller(env).Add(env, pidfd_.Get(), [this] { HandleExit(); });
    Ref();
}

void ProcessWatch::Close(const Napi::CallbackInfo &) {
    Stop();
}

void ProcessWatch::HandleExit() {
    Napi::Function on_exit = on_exit_.Value();
    Stop();
    CallUncaught(Env(), on_exit);
}

void ProcessWatch::Stop() {
    if (!pidfd_.IsOpen()) {
        return;
    }
    Addon::Of(Env()).Poller(Env()).Remove(poller_id_, pidfd_.Get());
    pidfd_.Reset();
    on_exit_.Reset();
    Unref();
}

} // namespace xsched
