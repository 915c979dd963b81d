#include "connection_guard.h"
#include "arguments.h"
#include "import_patch.h"
#include <cerrno>
#include <dlfcn.h>
#include <unistd.h>

namespace xsched {

namespace {

/// A function that libzmq defines and nobody else.
constexpr const char *kLibzmq = "zmq_ctx_new";

int LeadAccept(int listener, sockaddr *address, socklen_t *length, int flags) {
    return ConnectionGuard::Get().Accept(listener, address, length, flags);
}

ssize_t LeadReceive(int fd, void *buffer, size_t size, int flags) {
    return ConnectionGuard::Get().Receive(fd, buffer, size, flags);
}

int LeadClose(int fd) {
    return ConnectionGuard::Get().Close(fd);
}

/// Keeps this library loaded for ever: a worker that loaded it may end before libzmq does.
void StayLoaded() {
    Dl_info self{};
    if (dladdr(reinterpret_cast<void *>(&LeadAccept), &self) != 0) {
        dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

} // namespace

ConnectionGuard &ConnectionGuard::Get() {
    // Never destroyed: libzmq's threads may outlive everything static.
    static auto *guard = new ConnectionGuard;
    return *guard;
}

bool ConnectionGuard::Install(const Limits &limits) {
    {
        std::lock_guard<std::mutex> lock(mutex_);
        limits_ = limits;
    }
    StayLoaded();
    // accept4 last: what it lets in has to be counted out again.
    return ReplaceImport(kLibzmq, "close", reinterpret_cast<void *>(&LeadClose)) &&
           ReplaceImport(kLibzmq, "recv", reinterpret_cast<void *>(&LeadReceive)) &&
           ReplaceImport(kLibzmq, "accept4", reinterpret_cast<void *>(&LeadAccept));
}

ConnectionGuard::Counts ConnectionGuard::Count() {
    std::lock_guard<std::mutex> lock(mutex_);
    Counts counts = counts_;
    counts.open = static_cast<uint32_t>(connections_.size());
    return counts;
}

int ConnectionGuard::Accept(int listener, sockaddr *address, socklen_t *length, int flags) {
    int fd = accept4(listener, address, length, flags);
    if (fd < 0) {
        // libzmq takes these for impossible and aborts the process.
        if (errno == EMFILE || errno == ENOBUFS || errno == ENOMEM) {
            errno = ENFILE;
        }
        return fd;
    }
    if (!Admit(fd)) {
        close(fd);
        errno = ECONNABORTED;
        return -1;
    }
    return fd;
}

bool ConnectionGuard::Admit(int fd) {
    ucred peer{};
    socklen_t size = sizeof peer;
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    std::lock_guard<std::mutex> lock(mutex_);
    uint32_t &of_user = by_user_[peer.uid];
    if (connections_.size() >= limits_.connections || of_user >= limits_.connections_per_user) {
        counts_.turned_away++;
        counts_.turned_away_uid = peer.uid;
        return false;
    }
    of_user++;
    connections_.insert_or_assign(fd, Connection{peer.uid, peer.pid, ZmtpMeter{}});
    return true;
}

ssize_t ConnectionGuard::Receive(int fd, void *buffer, size_t size, int flags) {
    ssize_t count = recv(fd, buffer, size, flags);
    if (count <= 0) {
        return count;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    auto entry = connections_.find(fd);
    if (entry == connections_.end()) {
        return count;
    }
    Connection &connection = entry->second;
    if (connection.meter.Feed(static_cast<const uint8_t *>(buffer), static_cast<size_t>(count),
                              limits_.message_bytes)) {
        return count;
    }
    counts_.cut_off++;
    counts_.cut_off_pid = connection.pid;
    return 0;
}

int ConnectionGuard::Close(int fd) {
    {
        std::lock_guard<std::mutex> lock(mutex_);
        auto entry = connections_.find(fd);
        if (entry != connections_.end()) {
            counts_.closed++;
            auto user = by_user_.find(entry->second.uid);
            if (--user->second == 0) {
                by_user_.erase(user);
            }
            connections_.erase(entry);
        }
    }
    return close(fd);
}

Napi::Value GuardConnections(const Napi::CallbackInfo &info) {
    ConnectionGuard::Limits limits;
    limits.connections = TakeCount(info, 0, "connections");
    limits.connections_per_user = TakeCount(info, 1, "connectionsPerUser");
    limits.message_bytes = TakeCount(info, 2, "messageBytes");
    return Napi::Boolean::New(info.Env(), ConnectionGuard::Get().Install(limits));
}

Napi::Value CountConnections(const Napi::CallbackInfo &info) {
    ConnectionGuard::Counts counts = ConnectionGuard::Get().Count();
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("open", counts.open);
    result.Set("closed", counts.closed);
    result.Set("turnedAway", counts.turned_away);
    result.Set("turnedAwayUid", counts.turned_away_uid);
    result.Set("cutOff", counts.cut_off);
    result.Set("cutOffPid", counts.cut_off_pid);
    return result;
}

} // namespace xsched
