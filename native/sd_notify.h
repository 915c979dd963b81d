#ifndef XSCHED_NATIVE_SD_NOTIFY_H
#define XSCHED_NATIVE_SD_NOTIFY_H

#include <napi.h>

namespace xsched {

/// `sdNotify(address, state)`: sends the state to the service manager's socket. Never blocks.
void SdNotify(const Napi::CallbackInfo &info);

} // namespace xsched

#endif
