#include "controller/kube/cpprest/mailbox.h"

#include <utility>

namespace chrysalis::kube::cpprest {

void Mailbox::put_head(Response head) {
  const std::lock_guard lock(mutex_);
  head_ = std::move(head);
  changed_.notify_all();
}

void Mailbox::put_end(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  error_ = std::move(error);
  changed_.notify_all();
}

void Mailbox::put_data(std::string_view bytes, std::function<void()> room) {
  {
    const std::lock_guard lock(mutex_);
    if (!abandoned_) data_.append(bytes);
    changed_.notify_all();
    if (!abandoned_ && data_.size() >= kFullBytes) {
      room_ = std::move(room);
      return;
    }
  }
  room();
}

bool Mailbox::something() const {
  if (!head_taken_) return head_ || ended_;
  return !data_.empty() || ended_;
}

Letter Mailbox::take(Mono until, const std::stop_token& stop) {
  std::function<void()> room;
  Letter out;
  {
    std::unique_lock lock(mutex_);
    const bool come =
        changed_.wait_until(lock, stop, until, [this] { return something(); });
    if (stop.stop_requested()) return {.what = Letter::What::kStopped};
    if (!come) return {.what = Letter::What::kLate};
    if (!head_taken_ && head_) {
      head_taken_ = true;
      return {.what = Letter::What::kHead, .head = *std::exchange(head_, {})};
    }
    if (data_.empty() || !head_taken_)
      return {.what = Letter::What::kEnd, .error = error_};
    out = {.what = Letter::What::kData, .data = std::exchange(data_, {})};
    room = std::exchange(room_, {});
  }
  if (room) room();
  return out;
}

void Mailbox::abandon() {
  std::function<void()> room;
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    data_.clear();
    room = std::exchange(room_, {});
  }
  if (room) room();
}

}  // namespace chrysalis::kube::cpprest
