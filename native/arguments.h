#ifndef XSCHED_NATIVE_ARGUMENTS_H
#define XSCHED_NATIVE_ARGUMENTS_H

#include <cmath>
#include <cstdint>
#include <napi.h>
#include <string>

namespace xsched {

/// Linux's own limit (PID_MAX_LIMIT on 64 bits).
constexpr int64_t kPidMax = 4194304;

/// What a value looks like in an error message: a string in quotes, a number as JavaScript
/// prints it, the kind of anything else; cut to a length that a log line bears.
inline std::string DescribeValue(Napi::Value value) {
    constexpr size_t kLongest = 120;
    std::string text;
    if (value.IsString()) {
        text = "'" + value.As<Napi::String>().Utf8Value() + "'";
    } else if (value.IsNumber() || value.IsBoolean() || value.IsNull() || value.IsUndefined()) {
        text = value.ToString().Utf8Value();
    } else if (value.IsObject()) {
        text = value.IsFunction() ? "a function" : "an object";
    } else {
        text = value.IsSymbol() ? "a symbol" : "a bigint";
    }
    return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

/// Makes a TypeError that names the argument, what it must be and what was received.
inline Napi::TypeError MakeArgumentError(Napi::Env env, const char *name, const std::string &need,
                                         Napi::Value received) {
    Napi::TypeError error = Napi::TypeError::New(env, std::string(name) + " must be " + need +
                                                          ", received " + DescribeValue(received));
    error.Set("code", Napi::String::New(env, "ERR_INVALID_ARG_VALUE"));
    return error;
}

/// A whole number from `least` to `most`, which JavaScript counts exactly.
inline int64_t TakeInteger(const Napi::CallbackInfo &info, size_t index, const char *name,
                           int64_t least, int64_t most) {
    Napi::Value value = info[index];
    double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
    if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most)) ||
        number != std::floor(number)) {
        throw MakeArgumentError(
            info.Env(), name,
            "an integer from " + std::to_string(least) + " to " + std::to_string(most), value);
    }
    return static_cast<int64_t>(number);
}

/// A process id.
inline int32_t TakePid(const Napi::CallbackInfo &info, size_t index) {
    return static_cast<int32_t>(TakeInteger(info, index, "pid", 1, kPidMax));
}

/// A whole number of things, 1 to 2^32 - 1.
inline uint32_t TakeCount(const Napi::CallbackInfo &info, size_t index, const char *name) {
    return static_cast<uint32_t>(TakeInteger(info, index, name, 1, UINT32_MAX));
}

inline Napi::Function TakeFunction(const Napi::CallbackInfo &info, size_t index, const char *name) {
    if (!info[index].IsFunction()) {
        throw MakeArgumentError(info.Env(), name, "a function", info[index]);
    }
    return info[index].As<Napi::Function>();
}

/// A string of 1 to `limit` bytes of UTF-8 without NUL, as system calls want it.
inline std::string TakeText(const Napi::CallbackInfo &info, size_t index, const char *name,
                            size_t limit) {
    std::string text;
    if (info[index].IsString()) {
        text = info[index].As<Napi::String>().Utf8Value();
    }
    if (text.empty() || text.size() > limit || text.find('\0') != std::string::npos) {
        throw MakeArgumentError(info.Env(), name,
                                "a string of 1 to " + std::to_string(limit) + " bytes without NUL",
                                info[index]);
    }
    return text;
}

} // namespace xsched

#endif
