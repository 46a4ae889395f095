#include "controller/runtime/queue_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace chrysalis::runtime {
namespace {

constexpr Mono kStart{std::chrono::hours{1}};

ObjectKey key(const std::string& name) { return {"ns", name}; }

std::string take_name(QueueState& queue, Mono now) {
  const auto taken = queue.take(now);
  return taken ? taken->key.name : "";
}

// The rules of queue_state.h said in the most naive way: one list, searched
// from end to end at each call.
class NaiveQueue {
 public:
  struct Item {
    std::string name;
    int priority;
    uint64_t order;
    std::optional<Mono> due;
    bool again_or_ready;
  };

  void add(const std::string& name, std::optional<Mono> due, int priority,
           Mono now) {
    settle(now);
    auto it = find(name);
    if (it == items_.end()) {
      items_.push_back({name, priority, order_++, due, !due});
      return;
    }
    if (priority > it->priority) {
      it->priority = priority;
      if (it->again_or_ready && !busy(name)) it->order = order_++;
    }
    if (it->again_or_ready) return;
    if (!due) {
      it->due.reset();
      it->again_or_ready = true;
      it->order = order_++;
    } else if (*due < *it->due) {
      it->due = due;
      it->order = order_++;
    }
  }

  std::string take(Mono now) {
    settle(now);
    auto best = items_.end();
    for (auto it = items_.begin(); it != items_.end(); ++it) {
      if (!it->again_or_ready || busy(it->name)) continue;
      if (best == items_.end() || it->priority > best->priority ||
          (it->priority == best->priority && it->order < best->order)) {
        best = it;
      }
    }
    if (best == items_.end()) return "";
    const std::string name = best->name;
    items_.erase(best);
    busy_.push_back(name);
    return name;
  }

  void done(const std::string& name, Mono now) {
    settle(now);
    std::erase(busy_, name);
    auto it = find(name);
    if (it != items_.end() && it->again_or_ready) it->order = order_++;
  }

  [[nodiscard]] const std::vector<std::string>& held() const { return busy_; }

 private:
  std::vector<Item>::iterator find(const std::string& name) {
    return std::find_if(items_.begin(), items_.end(),
                        [&](const Item& i) { return i.name == name; });
  }
  [[nodiscard]] bool busy(const std::string& name) const {
    return std::find(busy_.begin(), busy_.end(), name) != busy_.end();
  }
  void settle(Mono now) {
    for (;;) {
      auto first = items_.end();
      for (auto it = items_.begin(); it != items_.end(); ++it) {
        if (!it->due || *it->due > now) continue;
        if (first == items_.end() || *it->due < *first->due ||
            (*it->due == *first->due && it->order < first->order)) {
          first = it;
        }
      }
      if (first == items_.end()) return;
      first->due.reset();
      first->again_or_ready = true;
      first->order = order_++;
    }
  }

  std::vector<Item> items_;
  std::vector<std::string> busy_;
  uint64_t order_ = 0;
};

// Case 40, 41, 42 as one property: any sequence of calls answers as the
// naive queue does.
TEST(QueueState, AgreesWithTheNaiveQueueUnderRandomCalls) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto pick = [&random](int n) {
      return static_cast<int>(random() % static_cast<uint32_t>(n));
    };
    QueueState queue;
    NaiveQueue naive;
    Mono now = kStart;
    for (int i = 0; i < 400; ++i) {
      const std::string name = "k" + std::to_string(pick(6));
      const int priority = pick(3) * 50 - 100;
      switch (pick(5)) {
        case 0:
          queue.add(key(name), priority, now);
          naive.add(name, std::nullopt, priority, now);
          break;
        case 1: {
          const auto delay = milliseconds{1 + pick(20)};
          queue.add_after(key(name), delay, priority, now);
          naive.add(name, now + delay, priority, now);
          break;
        }
        case 2:
          ASSERT_EQ(take_name(queue, now), naive.take(now));
          break;
        case 3:
          if (!naive.held().empty()) {
            const std::string held = naive.held()[static_cast<size_t>(
                pick(static_cast<int>(naive.held().size())))];
            queue.done(key(held), now);
            naive.done(held, now);
          }
          break;
        default:
          now += milliseconds{pick(10)};
      }
      ASSERT_EQ(queue.processing(), naive.held().size());
    }
  }
}

TEST(QueueState, HandsAKeyAddedWhileProcessedOutOnceMore) {
  QueueState queue;
  queue.add(key("a"), 0, kStart);
  queue.add(key("a"), 0, kStart);
  EXPECT_EQ(take_name(queue, kStart), "a");
  queue.add(key("a"), 0, kStart);
  queue.add(key("a"), 0, kStart);
  EXPECT_EQ(take_name(queue, kStart), "") << "one worker a key";
  queue.done(key("a"), kStart);
  EXPECT_EQ(take_name(queue, kStart), "a");
  queue.done(key("a"), kStart);
  EXPECT_EQ(take_name(queue, kStart), "");
}

TEST(QueueState, KeepsTheEarlierOfTwoTimes) {
  QueueState queue;
  queue.add_after(key("later"), seconds{10}, 0, kStart);
  queue.add_after(key("later"), seconds{20}, 0, kStart);
  EXPECT_EQ(queue.next_due(), kStart + seconds{10});
  queue.add_after(key("later"), seconds{3}, 0, kStart);
  EXPECT_EQ(queue.next_due(), kStart + seconds{3});
  EXPECT_EQ(queue.delayed(), 1U);
  EXPECT_EQ(take_name(queue, kStart + seconds{2}), "");
  EXPECT_EQ(take_name(queue, kStart + seconds{3}), "later");
}

TEST(QueueState, ADueKeyThatIsRunningBlocksNobody) {
  QueueState queue;
  queue.add(key("running"), 0, kStart);
  ASSERT_EQ(take_name(queue, kStart), "running");
  queue.add_after(key("running"), seconds{1}, 0, kStart);
  queue.add_after(key("other"), seconds{2}, 0, kStart);
  EXPECT_EQ(take_name(queue, kStart + seconds{2}), "other");
  queue.done(key("running"), kStart + seconds{2});
  EXPECT_EQ(take_name(queue, kStart + seconds{2}), "running");
}

// Case 41: fire order is the order of times whatever the order of adds.
TEST(QueueState, FiresAMillionDelayedKeysInTimeOrder) {
  constexpr int kKeys = 1'000'000;
  QueueState queue;
  for (int64_t i = 0; i < kKeys; ++i) {
    const int64_t at = (i * 7'919 + 13) % kKeys;  // a permutation: 7919 prime
    queue.add_after({"", std::to_string(at)}, std::chrono::microseconds{at + 1},
                    0, kStart);
  }
  ASSERT_EQ(queue.delayed(), static_cast<size_t>(kKeys));
  const Mono end = kStart + seconds{2};
  int out_of_order = 0;
  for (int i = 0; i < kKeys; ++i) {
    const auto taken = queue.take(end);
    ASSERT_TRUE(taken);
    if (taken->key.name != std::to_string(i)) ++out_of_order;
    queue.done(taken->key, end);
  }
  EXPECT_EQ(out_of_order, 0);
  EXPECT_FALSE(queue.take(end));
}

TEST(QueueState, ATimeThatJumpsBackIsIgnored) {
  QueueState queue;
  queue.add(key("a"), 0, kStart);
  queue.add_after(key("b"), seconds{5}, 0, kStart - std::chrono::hours{2});
  EXPECT_EQ(queue.next_due(), kStart + seconds{5});
  EXPECT_EQ(take_name(queue, kStart - seconds{1}), "a");
}

// Case 42.
TEST(QueueState, ServesAnEditBeforeAFloodOfResyncs) {
  QueueState queue;
  for (int i = 0; i < 50'000; ++i) {
    queue.add(key("resync" + std::to_string(i)), kLowPriority, kStart);
  }
  queue.add(key("resync40000"), kNormalPriority, kStart);
  queue.add(key("edited"), kNormalPriority, kStart);
  EXPECT_EQ(take_name(queue, kStart), "resync40000") << "raised, once";
  EXPECT_EQ(take_name(queue, kStart), "edited");
  for (int i = 0; i < 49'999; ++i) {
    const auto taken = queue.take(kStart);
    ASSERT_TRUE(taken);
    ASSERT_EQ(taken->priority, kLowPriority);
    ASSERT_NE(taken->key.name, "resync40000");
    if (i == 0) {
      EXPECT_EQ(taken->key.name, "resync0");
    }
  }
  EXPECT_FALSE(queue.take(kStart));
}

TEST(QueueState, BackOffDoublesToItsCapAndIsForgotten) {
  QueueState queue({.bucket_burst = 1'000});
  const auto delay_of_next = [&queue] {
    queue.add_rate_limited(key("a"), 0, kStart);
    const auto due = queue.next_due();
    // Take it off again, at its time, with a fresh idea of now.
    return due ? std::chrono::nanoseconds(*due - kStart)
               : std::chrono::nanoseconds{0};
  };
  EXPECT_EQ(delay_of_next(), milliseconds{5});
  // An earlier time wins, so the key stays due after 5 ms however often it
  // fails while it waits.
  EXPECT_EQ(delay_of_next(), milliseconds{5});
  EXPECT_EQ(queue.failures(key("a")), 2);

  Mono now = kStart;
  for (int n = 2; n < 70; ++n) {
    now += seconds{1000};
    ASSERT_EQ(take_name(queue, now), "a") << n;
    queue.done(key("a"), now);
    queue.add_rate_limited(key("a"), 0, now);
    const auto expected =
        n < 18 ? std::chrono::nanoseconds(milliseconds{5}) * (int64_t{1} << n)
               : std::chrono::nanoseconds(seconds{1000});
    ASSERT_EQ(*queue.next_due() - now, expected) << n;
  }
  now += seconds{1000};
  ASSERT_EQ(take_name(queue, now), "a");
  queue.forget(key("a"));
  queue.done(key("a"), now);
  queue.add_rate_limited(key("a"), 0, now);
  EXPECT_EQ(*queue.next_due() - now, milliseconds{5});
}

TEST(QueueState, TheBucketSlowsManyFailingKeysDown) {
  QueueState queue;
  for (int i = 0; i < 102; ++i) {
    queue.add_rate_limited(key(std::to_string(i)), 0, kStart);
  }
  int at_once = 0;
  while (queue.take(kStart + milliseconds{5})) ++at_once;
  EXPECT_EQ(at_once, 100) << "the burst";
  EXPECT_EQ(queue.next_due(), kStart + milliseconds{100});
  EXPECT_EQ(take_name(queue, kStart + milliseconds{100}), "100");
  EXPECT_EQ(queue.next_due(), kStart + milliseconds{200});
}

TEST(QueueState, RefusesAboveItsBoundAndAsksForAResync) {
  QueueState queue({.max_keys = 4});
  for (const char* name : {"a", "b", "c", "d"}) {
    EXPECT_TRUE(queue.add(key(name), 0, kStart));
  }
  EXPECT_FALSE(queue.add(key("e"), 0, kStart));
  EXPECT_TRUE(queue.add(key("a"), 0, kStart)) << "known keys always fit";
  EXPECT_EQ(queue.counts().refused, 1U);
  EXPECT_FALSE(queue.take_resync_request()) << "still full";
  for (const char* name : {"a", "b"}) {
    EXPECT_EQ(take_name(queue, kStart), name);
    queue.done(key(name), kStart);
  }
  EXPECT_TRUE(queue.take_resync_request());
  EXPECT_FALSE(queue.take_resync_request()) << "once";
}

TEST(QueueState, DrainHandsOutWhatIsReadyAndDropsWhatIsLater) {
  QueueState queue;
  queue.add(key("ready"), 0, kStart);
  queue.add(key("held"), kNormalPriority + 1, kStart);
  queue.add_after(key("later"), seconds{1}, 0, kStart);
  ASSERT_EQ(take_name(queue, kStart), "held");
  queue.add(key("held"), 0, kStart);
  queue.shut_down(/*drain=*/true);
  EXPECT_FALSE(queue.add(key("new"), 0, kStart));
  EXPECT_FALSE(queue.add_rate_limited(key("held"), 0, kStart));
  EXPECT_EQ(take_name(queue, kStart), "ready");
  EXPECT_TRUE(queue.exhausted());
  queue.done(key("held"), kStart);
  EXPECT_FALSE(queue.exhausted()) << "added again before the end";
  EXPECT_EQ(take_name(queue, kStart + seconds{5}), "held");
  queue.done(key("held"), kStart);
  EXPECT_FALSE(queue.finished());
  queue.done(key("ready"), kStart);
  EXPECT_TRUE(queue.finished());
}

TEST(QueueState, ShutDownDropsWhatWaits) {
  QueueState queue;
  queue.add(key("held"), 0, kStart);
  queue.add(key("ready"), 0, kStart);
  ASSERT_EQ(take_name(queue, kStart), "held");
  queue.add(key("held"), 0, kStart);
  queue.shut_down(/*drain=*/false);
  EXPECT_TRUE(queue.exhausted());
  EXPECT_FALSE(queue.finished());
  queue.done(key("held"), kStart);
  EXPECT_TRUE(queue.finished());
  queue.done(key("held"), kStart);  // twice: nothing happens
  EXPECT_EQ(queue.processing(), 0U);
}

}  // namespace
}  // namespace chrysalis::runtime
