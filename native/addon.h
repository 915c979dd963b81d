#ifndef XSCHED_NATIVE_ADDON_H
#define XSCHED_NATIVE_ADDON_H

#include "exit_poller.h"
#include <memory>
#include <napi.h>

namespace xsched {

/// Everything that the addon keeps, one for each environment (the main thread and every worker).
class Addon : public Napi::Addon<Addon> {
public:
    Addon(Napi::Env env, Napi::Object exports);

    /// The environment's own instance.
    static Addon &Of(Napi::Env env) { return *env.GetInstanceData<Addon>(); }

    /// The environment's poller; the first call starts its thread. Throws Napi::Error.
    ExitPoller &Poller(Napi::Env env);

private:
    std::unique_ptr<ExitPoller> poller_;
};

} // namespace xsched

#endif
