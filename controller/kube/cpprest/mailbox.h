#pragma once

// What the library's threads hand to the one that called: a head, pieces of a
// body, the end. A piece beyond a full box says only later that there is room,
// so a body is held in memory no more than the caller is behind by.
// Thread-safety: put_*() from the library's threads, one at a time; take() and
// abandon() from the caller's.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "controller/kube/message.h"
#include "src/base/result.h"

namespace chrysalis::kube::cpprest {

struct Letter {
  enum class What { kHead, kData, kEnd, kLate, kStopped };
  What what = What::kEnd;
  Response head{};               // of kHead
  std::string data{};            // of kData
  std::optional<Error> error{};  // of kEnd: why it is no clean one
};

class Mailbox {
 public:
  static constexpr size_t kFullBytes = size_t{256} << 10;

  void put_head(Response head);
  // Calls `room` once, now or from the caller's thread, when more may come.
  void put_data(std::string_view bytes, std::function<void()> room);
  void put_end(std::optional<Error> error);

  // The next of head, data and end, in this order; or kLate at `until`.
  Letter take(Mono until, const std::stop_token& stop);
  // Whatever comes from now on is thrown away.
  void abandon();

 private:
  [[nodiscard]] bool something() const;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Response> head_;
  bool head_taken_ = false;
  std::string data_;
  std::function<void()> room_;
  bool ended_ = false;
  std::optional<Error> error_;
  bool abandoned_ = false;
};

}  // namespace chrysalis::kube::cpprest
