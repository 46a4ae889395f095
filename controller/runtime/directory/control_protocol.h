#pragma once

// What `chrysalis delete` says to a running standalone and hears back: one
// line of JSON each way.
//
//   {"verb":"delete","kind":"VirtualMachine","namespace":"default",
//    "name":"web","waitMilliseconds":60000}
//   {"ok":true,"message":"..."}   {"ok":false,"code":"not
//   found","message":".."}
//
// PURE. Total on any bytes. Errors: kInvalid. Thread-safety: values.

#include <string>
#include <string_view>

#include "controller/runtime/directory/directory_scan.h"
#include "src/base/clock.h"
#include "src/base/result.h"

namespace chrysalis::runtime::directory {

inline constexpr size_t kControlLineMax = 4096;
inline constexpr milliseconds kControlWaitMax{600'000};

struct DeleteRequest {
  ObjectId id;
  milliseconds wait{0};  // at most kControlWaitMax
  friend bool operator==(const DeleteRequest&, const DeleteRequest&) = default;
};

// The kind as people type it: its kind, plural, singular or short name, in
// any case. kInvalid names those that there are.
Result<api::Kind> kind_of(std::string_view typed);

// Lines without their end.
std::string encode(const DeleteRequest& request);
Result<DeleteRequest> decode_request(std::string_view line);
std::string encode_answer(const Result<std::string>& answer);
Result<std::string> decode_answer(std::string_view line);

}  // namespace chrysalis::runtime::directory
