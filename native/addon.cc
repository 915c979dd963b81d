#include "addon.h"
#include "board.h"
#include "connection_guard.h"
#include "file_lock.h"
#include "process_watch.h"
#include "sd_notify.h"

namespace xsched {

Addon::Addon(Napi::Env env, Napi::Object exports) {
    exports.Set("Board", Board::Define(env));
    exports.Set("ProcessWatch", ProcessWatch::Define(env));
    exports.Set("FileLock", FileLock::Define(env));
    exports.Set("guardConnections", Napi::Function::New<GuardConnections>(env, "guardConnections"));
    exports.Set("countConnections", Napi::Function::New<CountConnections>(env, "countConnections"));
    exports.Set("sdNotify", Napi::Function::New<SdNotify>(env, "sdNotify"));
}

ExitPoller &Addon::Poller(Napi::Env env) {
    if (!poller_) {
        poller_ = std::make_unique<ExitPoller>(env);
        // Hooks run last in, first out: this one ends the thread before the environment takes
        // the poller's thread-safe function away.
        env.AddCleanupHook([](Addon *self) { self->poller_.reset(); }, this);
    }
    return *poller_;
}

} // namespace xsched

using XschedAddon = xsched::Addon;
NODE_API_ADDON(XschedAddon)
