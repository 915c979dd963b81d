#include "board.h"
#include "arguments.h"
#include "errors.h"
#include <algorithm>
#include <climits>
#include <cstring>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace xsched {

namespace {

constexpr int64_t kSlots = int64_t{XSP_DEVICE_COUNT} * XSP_SLOT_COUNT;
/// Whole numbers that JavaScript counts exactly.
constexpr int64_t kNumberMax = (int64_t{1} << 53) - 1;

static_assert(std::atomic<uint64_t>::is_always_lock_free &&
                  std::atomic<uint32_t>::is_always_lock_free,
              "other processes see what is written as one piece");

/// Whoever sleeps at a gate of the device looks again.
void Wake(xsp_ready_device &ready) {
    ready.wake_seq.fetch_add(1);
    if (ready.waiters.load() > 0) {
        syscall(SYS_futex, &ready.wake_seq, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    }
}

void ClearBit(xsp_ready_device &ready, uint32_t at) {
    ready.bits.fetch_and(~(uint64_t{1} << at));
    Wake(ready);
}

bool HasOwner(const xsp_board_device &device) {
    return std::any_of(std::begin(device.owners), std::end(device.owners),
                       [](const xsp_board_owner &owner) { return owner.pid != 0; });
}

/// A daemon that was killed between two writes may have left a name without owners.
bool IsSane(const xsp_board_device &device) {
    return std::memchr(device.uuid, '\0', sizeof device.uuid) != nullptr &&
           (device.uuid[0] != '\0' || !HasOwner(device));
}

bool IsSane(const xsp_board &board, const xsp_board_ready &ready) {
    return board.magic == XSP_BOARD_MAGIC && board.layout == XSP_BOARD_LAYOUT &&
           ready.magic == XSP_READY_MAGIC && ready.layout == XSP_BOARD_LAYOUT &&
           std::all_of(std::begin(board.devices), std::end(board.devices),
                       [](const xsp_board_device &device) { return IsSane(device); });
}

} // namespace

Napi::Function Board::Define(Napi::Env env) {
    return DefineClass(env, "Board",
                       {
                           InstanceMethod<&Board::Owners>("owners"),
                           InstanceMethod<&Board::Bits>("bits"),
                           InstanceMethod<&Board::Give>("give"),
                           InstanceMethod<&Board::Free>("free"),
                           InstanceMethod<&Board::SetMask>("setMask"),
                           InstanceMethod<&Board::Beat>("beat"),
                           InstanceMethod<&Board::Close>("close"),
                       });
}

Board::Board(const Napi::CallbackInfo &info) : ObjectWrap(info) {
    Napi::Env env = info.Env();
    std::string folder = TakeText(info, 0, "folder", PATH_MAX - sizeof("/" XSP_READY_FILE));
    auto nonce = static_cast<uint64_t>(TakeInteger(info, 1, "nonce", 1, kNumberMax));
    auto gid = static_cast<gid_t>(TakeInteger(info, 2, "gid", -1, UINT32_MAX - 1));
    constexpr mode_t kReadable = 0644;
    constexpr mode_t kOwn = 0600;
    constexpr mode_t kGroup = 0660;
    bool has_group = gid != static_cast<gid_t>(-1);
    const std::string board_path = folder + "/" XSP_BOARD_FILE;
    const std::string ready_path = folder + "/" XSP_READY_FILE;
    auto map = [&] {
        board_.Map(env, board_path, sizeof(xsp_board), kReadable, -1);
        ready_.Map(env, ready_path, sizeof(xsp_board_ready), has_group ? kGroup : kOwn, gid);
    };
    map();
    if (!IsSane(TheBoard(), TheReady())) {
        // Clients may still have slots on it: they keep what they have mapped, and no new owner of
        // a slot finds their bits in his.
        MappedFile::Remove(env, board_path);
        MappedFile::Remove(env, ready_path);
        map();
        TheBoard().layout = TheReady().layout = XSP_BOARD_LAYOUT;
        TheBoard().magic = XSP_BOARD_MAGIC;
        TheReady().magic = XSP_READY_MAGIC;
    }
    for (xsp_board_device &device : TheBoard().devices) {
        if (!HasOwner(device)) {
            std::memset(device.uuid, 0, sizeof device.uuid);
        }
    }
    TheBoard().nonce = nonce;
    TheBoard().beat.fetch_add(1);
}

void Board::NeedOpen(Napi::Env env) const {
    if (board_.Get() == nullptr) {
        throw MakeError(env, "ERR_INVALID_STATE", "the board is closed");
    }
}

Board::Place Board::TakeSlot(const Napi::CallbackInfo &info) {
    NeedOpen(info.Env());
    auto index = static_cast<uint32_t>(TakeInteger(info, 0, "slot", 1, kSlots) - 1);
    uint32_t device = index / XSP_SLOT_COUNT;
    return {TheBoard().devices[device], TheReady().devices[device], index % XSP_SLOT_COUNT};
}

Napi::Value Board::Owners(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    NeedOpen(env);
    Napi::Array list = Napi::Array::New(env);
    for (uint32_t index = 0; index < kSlots; index++) {
        const xsp_board_device &device = TheBoard().devices[index / XSP_SLOT_COUNT];
        const xsp_board_owner &owner = device.owners[index % XSP_SLOT_COUNT];
        if (owner.pid == 0) {
            continue;
        }
        Napi::Object found = Napi::Object::New(env);
        found.Set("slot", Napi::Number::New(env, index + 1));
        found.Set("device", Napi::String::New(env, device.uuid));
        found.Set("pid", Napi::Number::New(env, owner.pid));
        found.Set("startTime", Napi::Number::New(env, static_cast<double>(owner.start_time)));
        found.Set("priority", Napi::Number::New(env, owner.priority));
        uint64_t mask = device.masks[index % XSP_SLOT_COUNT].load();
        found.Set("mask", Napi::BigInt::New(env, mask));
        list.Set(list.Length(), found);
    }
    return list;
}

Napi::Value Board::Bits(const Napi::CallbackInfo &info) {
    NeedOpen(info.Env());
    int64_t device = TakeInteger(info, 0, "device", 0, XSP_DEVICE_COUNT - 1);
    return Napi::BigInt::New(info.Env(), TheReady().devices[device].bits.load());
}

void Board::Give(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    Place place = TakeSlot(info);
    std::string uuid = TakeText(info, 1, "device", XSP_BOARD_UUID_BYTES - 1);
    auto pid = static_cast<uint32_t>(TakeInteger(info, 2, "pid", 1, kPidMax));
    auto start_time = static_cast<uint64_t>(TakeInteger(info, 3, "startTime", 0, kNumberMax));
    auto priority = static_cast<int32_t>(TakeInteger(info, 4, "priority", INT32_MIN, INT32_MAX));
    if (place.device.uuid[0] != '\0' && uuid != place.device.uuid) {
        throw MakeArgumentError(env, "device", "'" + std::string(place.device.uuid) + "'", info[1]);
    }
    uuid.copy(place.device.uuid, uuid.size());
    place.device.owners[place.at] = {pid, priority, start_time};
    // Before its owner is told: it may set the bit as soon as it is.
    ClearBit(place.ready, place.at);
}

void Board::Free(const Napi::CallbackInfo &info) {
    Place place = TakeSlot(info);
    place.device.masks[place.at] = 0;
    place.device.owners[place.at] = {};
    ClearBit(place.ready, place.at);
    if (!HasOwner(place.device)) {
        std::memset(place.device.uuid, 0, sizeof place.device.uuid);
    }
}

void Board::SetMask(const Napi::CallbackInfo &info) {
    Place place = TakeSlot(info);
    bool lossless = false;
    if (!info[1].IsBigInt()) {
        throw MakeArgumentError(info.Env(), "mask", "a bigint", info[1]);
    }
    uint64_t mask = info[1].As<Napi::BigInt>().Uint64Value(&lossless);
    if (!lossless) {
        throw MakeArgumentError(info.Env(), "mask", "a bigint from 0 to 2^64 - 1", info[1]);
    }
    uint64_t before = place.device.masks[place.at];
    place.device.masks[place.at] = mask;
    // Nobody may go on because of a bit that has come.
    if ((before & ~mask) != 0) {
        Wake(place.ready);
    }
}

void Board::Beat(const Napi::CallbackInfo &info) {
    NeedOpen(info.Env());
    TheBoard().beat.fetch_add(1);
}

void Board::Close(const Napi::CallbackInfo &) {
    board_.Unmap();
    ready_.Unmap();
}

} // namespace xsched
