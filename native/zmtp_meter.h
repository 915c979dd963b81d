#ifndef XSCHED_NATIVE_ZMTP_METER_H
#define XSCHED_NATIVE_ZMTP_METER_H

#include <cstddef>
#include <cstdint>

namespace xsched {

/// Follows the bytes that a peer sends by ZMTP 3, only so far as to know how long the message is
/// that it has begun: libzmq collects the frames of one message without any limit.
class ZmtpMeter {
public:
    /// Takes the next bytes of the stream, cut anywhere.
    /// @param limit bytes that one message may have, the overhead of its frames included
    /// @return false as soon as a message is longer than that, or announces to become so
    bool Feed(const uint8_t *bytes, size_t count, uint64_t limit);

private:
    /// A header is complete: what its frame adds to the message.
    bool Begin(uint64_t limit);

    /// The greeting comes first. Then a frame is a header and a body, of which these are left.
    uint64_t body_left_ = 64;
    uint8_t header_[9] = {};
    size_t header_size_ = 0;
    /// Bytes of the message that is not finished yet.
    uint64_t message_ = 0;
};

} // namespace xsched

#endif
