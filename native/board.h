#ifndef XSCHED_NATIVE_BOARD_H
#define XSCHED_NATIVE_BOARD_H

#include "../protocol/board.h"
#include "mapped_file.h"
#include <napi.h>

namespace xsched {

/// `new Board(folder, nonce, gid)`: the daemon's side of the board (protocol/board.h).
///
/// What an earlier daemon wrote stays, so that masks go on working, unless it makes no sense.
/// `index.ts` says what the methods do.
class Board : public Napi::ObjectWrap<Board> {
public:
    static Napi::Function Define(Napi::Env env);

    explicit Board(const Napi::CallbackInfo &info);

private:
    Napi::Value Owners(const Napi::CallbackInfo &info);
    Napi::Value Bits(const Napi::CallbackInfo &info);
    void Give(const Napi::CallbackInfo &info);
    void Free(const Napi::CallbackInfo &info);
    void SetMask(const Napi::CallbackInfo &info);
    void Beat(const Napi::CallbackInfo &info);
    void Close(const Napi::CallbackInfo &info);

    /// One slot in memory.
    struct Place {
        xsp_board_device &device;
        xsp_ready_device &ready;
        uint32_t at;
    };

    /// The slot that an argument names. Throws for a name that is none, or a board that is closed.
    Place TakeSlot(const Napi::CallbackInfo &info);
    void NeedOpen(Napi::Env env) const;
    xsp_board &TheBoard() const { return *static_cast<xsp_board *>(board_.Get()); }
    xsp_board_ready &TheReady() const { return *static_cast<xsp_board_ready *>(ready_.Get()); }

    MappedFile board_;
    MappedFile ready_;
};

} // namespace xsched

#endif
