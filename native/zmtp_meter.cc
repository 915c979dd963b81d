#include "zmtp_meter.h"
#include <algorithm>

namespace xsched {

namespace {

constexpr uint8_t kMore = 1;
constexpr uint8_t kLong = 2;
constexpr uint8_t kCommand = 4;
/// What libzmq keeps for a frame besides its body, in bytes, so that empty frames count as well.
constexpr uint64_t kFrameOverhead = 64;

} // namespace

bool ZmtpMeter::Feed(const uint8_t *bytes, size_t count, uint64_t limit) {
    while (count > 0) {
        if (body_left_ > 0) {
            auto skipped = static_cast<size_t>(std::min<uint64_t>(body_left_, count));
            body_left_ -= skipped;
            bytes += skipped;
            count -= skipped;
            continue;
        }
        header_[header_size_++] = *bytes++;
        count--;
        // Flags, and the length in one byte or eight.
        if (header_size_ == ((header_[0] & kLong) != 0 ? 9U : 2U) && !Begin(limit)) {
            return false;
        }
    }
    return true;
}

bool ZmtpMeter::Begin(uint64_t limit) {
    uint64_t length = 0;
    for (size_t i = 1; i < header_size_; i++) {
        length = length << 8 | header_[i];
    }
    header_size_ = 0;
    body_left_ = length;
    if (length > limit) {
        return false;
    }
    // Commands come between the frames of a message and are no part of it.
    if ((header_[0] & kCommand) != 0) {
        return true;
    }
    message_ += length + kFrameOverhead;
    bool fits = message_ <= limit + kFrameOverhead;
    if ((header_[0] & kMore) == 0) {
        message_ = 0;
    }
    return fits;
}

} // namespace xsched
