#ifndef XSCHED_NATIVE_CONNECTION_GUARD_H
#define XSCHED_NATIVE_CONNECTION_GUARD_H

#include "zmtp_meter.h"
#include <cstdint>
#include <map>
#include <mutex>
#include <napi.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unordered_map>

namespace xsched {

/// Stands between libzmq and the kernel, with the limits that libzmq lacks. There is one a process.
///
/// libzmq accepts every connection, aborts the process when descriptors run out, and collects the
/// frames of a message in memory for as long as they come. None of its options changes that, so its
/// calls of accept4, recv and close are led through here. Connections beyond a limit are closed at
/// once, and one whose message is too long looks to libzmq as if its peer had hung up.
class ConnectionGuard {
public:
    struct Limits {
        /// Connections open at a time, in all and of one user.
        uint32_t connections = UINT32_MAX;
        uint32_t connections_per_user = UINT32_MAX;
        /// Bytes of one message, all its frames together.
        uint64_t message_bytes = UINT64_MAX;
    };

    struct Counts {
        uint32_t open = 0;
        uint32_t closed = 0;
        uint32_t turned_away = 0;
        uid_t turned_away_uid = 0;
        uint32_t cut_off = 0;
        pid_t cut_off_pid = 0;
    };

    static ConnectionGuard &Get();

    /// Leads libzmq's calls through the guard. Returns false when libzmq is not loaded, or was
    /// built so that its calls cannot be led anywhere.
    bool Install(const Limits &limits);
    Counts Count();

    int Accept(int listener, sockaddr *address, socklen_t *length, int flags);
    ssize_t Receive(int fd, void *buffer, size_t size, int flags);
    int Close(int fd);

private:
    struct Connection {
        uid_t uid;
        pid_t pid;
        ZmtpMeter meter;
    };

    ConnectionGuard() = default;
    bool Admit(int fd);

    std::mutex mutex_;
    Limits limits_;
    Counts counts_;
    std::unordered_map<int, Connection> connections_;
    std::map<uid_t, uint32_t> by_user_;
};

/// guardConnections(connections, connectionsPerUser, messageBytes): boolean
Napi::Value GuardConnections(const Napi::CallbackInfo &info);

/// countConnections(): { open, closed, turnedAway, turnedAwayUid, cutOff, cutOffPid }
Napi::Value CountConnections(const Napi::CallbackInfo &info);

} // namespace xsched

#endif
