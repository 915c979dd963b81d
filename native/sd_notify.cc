#include "sd_notify.h"
#include "arguments.h"
#include "errors.h"
#include "unique_fd.h"
#include <cstddef>
#include <sys/socket.h>
#include <sys/un.h>

namespace xsched {

namespace {

/// systemd reads one message into a buffer of PIPE_BUF bytes.
constexpr size_t kLongestState = 4096;

} // namespace

void SdNotify(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string name = TakeText(info, 0, "NOTIFY_SOCKET", sizeof address.sun_path - 1);
    std::string state = TakeText(info, 1, "state", kLongestState);
    if (name[0] != '/' && name[0] != '@') {
        throw MakeArgumentError(env, "NOTIFY_SOCKET",
                                "an absolute path, or a name that begins with @", info[0]);
    }

    name.copy(address.sun_path, name.size());
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    // An abstract name is as long as the address says, a path ends with NUL: no NUL is counted.
    auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    UniqueFd socket_fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket_fd.IsOpen()) {
        throw MakeSystemError(env, errno, "socket", "notify " + name);
    }
    if (sendto(socket_fd.Get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
               reinterpret_cast<const sockaddr *>(&address), length) < 0) {
        throw MakeSystemError(env, errno, "sendto", "notify " + name);
    }
}

} // namespace xsched
