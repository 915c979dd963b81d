#include "process_watch.h"
#include "addon.h"
#include "arguments.h"
#include "errors.h"
#include <sys/syscall.h>

namespace xsched {

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
    on_exit.Call({});
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
