#include "controller/runtime/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace chrysalis::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr Mono kStart{std::chrono::hours{1}};

struct Thing {
  std::string text;
  std::vector<std::string> tags;
};

StoredObject thing(const std::string& uid, const std::string& version,
                   std::vector<std::string> tags = {}) {
  return {uid, version,
          std::make_shared<const Thing>(
              Thing{uid + "@" + version, std::move(tags)})};
}

ObjectKey key(const std::string& name) { return {"ns", name}; }

// What a handler was told, as words.
struct Listener {
  std::vector<std::string> heard;
  Handler handler() {
    return [this](const Delivery& d) {
      const char* const words[] = {"+", "~", "-", "!"};
      heard.push_back(words[static_cast<int>(d.change)] + d.key.name +
                      (d.initial ? " first" : ""));
    };
  }
  std::vector<std::string> take() { return std::exchange(heard, {}); }
};

struct Fixture : ::testing::Test {
  Fixture() {
    store.add_index("tag", [](const Thing& t) { return t.tags; });
    store.core().add_handler(listener.handler());
  }
  void list(std::vector<std::pair<std::string, StoredObject>> things,
            const std::string& version) {
    StoreStage stage;
    for (auto& [name, object] : things) {
      stage.upsert(key(name), std::move(object));
    }
    store.core().swap(std::move(stage), version);
  }
  std::vector<std::string> tagged(const std::string& tag) {
    std::vector<std::string> out;
    for (const auto& object : store.find("tag", tag)) {
      out.push_back(object->text);
    }
    return out;
  }
  Store<Thing> store;
  Listener listener;
};
using StoreTest = Fixture;

// Case 21.
TEST_F(StoreTest, ARelistThatMissesKeysDeletesThemAndCleansTheIndexes) {
  list({{"a", thing("u1", "1", {"x", "y"})},
        {"b", thing("u2", "2", {"x"})},
        {"c", thing("u3", "3")}},
       "10");
  EXPECT_THAT(listener.take(),
              UnorderedElementsAre("+a first", "+b first", "+c first"));
  EXPECT_THAT(tagged("x"), ElementsAre("u1@1", "u2@2"));

  list({{"c", thing("u3", "3")}}, "20");
  EXPECT_THAT(listener.take(), UnorderedElementsAre("-a", "-b"));
  EXPECT_THAT(tagged("x"), IsEmpty());
  EXPECT_THAT(tagged("y"), IsEmpty());
  EXPECT_EQ(store.core().version(), "20");
  EXPECT_EQ(store.get(key("a")), nullptr);
}

// Case 22, over a relist and over an event.
TEST_F(StoreTest, AnotherUidIsADeletionAndAnAddition) {
  list({{"a", thing("old", "1")}}, "1");
  listener.take();
  list({{"a", thing("new", "5")}}, "5");
  EXPECT_THAT(listener.take(), ElementsAre("-a", "+a"));

  store.core().upsert(key("a"), thing("newer", "7"), false);
  EXPECT_THAT(listener.take(), ElementsAre("-a", "+a"));
  EXPECT_EQ(store.get(key("a"))->text, "newer@7");
}

// Case 24.
TEST_F(StoreTest, EventsOfUnknownKeysAreCounted) {
  store.core().upsert(key("a"), thing("u", "1"), /*modified=*/true);
  store.core().remove(key("b"), "2");
  EXPECT_THAT(listener.take(), ElementsAre("+a"));
  EXPECT_EQ(store.core().counts().unknown_modified, 1U);
  EXPECT_EQ(store.core().counts().unknown_deleted, 1U);
}

// Case 25.
TEST_F(StoreTest, AnOlderVersionNeverOverwritesANewerOne) {
  store.core().upsert(key("a"), thing("u", "100"), false);
  store.core().upsert(key("a"), thing("u", "99"), true);
  store.core().upsert(key("a"), thing("u0", "98"), false);
  store.core().remove(key("a"), "97");
  store.core().upsert(key("a"), thing("u", "100"), true);
  EXPECT_EQ(store.get(key("a"))->text, "u@100");
  EXPECT_THAT(listener.take(), ElementsAre("+a"));
  EXPECT_EQ(store.core().counts().stale, 3U);
  EXPECT_EQ(store.core().counts().repeated, 1U);
}

TEST_F(StoreTest, ASwapTellsOnlyWhatChanged) {
  list({{"a", thing("u1", "1")}, {"b", thing("u2", "2")}}, "2");
  listener.take();
  list({{"a", thing("u1", "1")}, {"b", thing("u2", "9")}}, "9");
  EXPECT_THAT(listener.take(), ElementsAre("~b"));
}

TEST_F(StoreTest, AnObjectThatDoesNotDecodeIsNotTakenForDeleted) {
  list({{"a", thing("u1", "1")}, {"b", thing("u2", "2")}}, "2");
  listener.take();
  StoreStage stage;
  stage.keep(key("a"));
  stage.keep(key("never seen"));
  store.core().swap(std::move(stage), "3");
  EXPECT_THAT(listener.take(), ElementsAre("-b"));
  EXPECT_EQ(store.get(key("a"))->text, "u1@1");
}

TEST_F(StoreTest, AStageFollowsItsEvents) {
  StoreStage stage;
  stage.upsert(key("a"), thing("u", "5"));
  stage.upsert(key("a"), thing("u", "4"));
  stage.upsert(key("gone"), thing("u2", "6"));
  stage.remove(key("gone"));
  stage.keep(key("a"));  // a good one came before: it stays
  store.core().swap(std::move(stage), "6");
  EXPECT_EQ(store.get(key("a"))->text, "u@5");
  EXPECT_EQ(store.core().size(), 1U);
}

// Case 38.
TEST_F(StoreTest, ALateHandlerHearsTheStoreAndThenTheChanges) {
  list({{"a", thing("u1", "1")}, {"b", thing("u2", "2")}}, "2");
  Listener late;
  store.core().add_handler(late.handler());
  store.core().upsert(key("c"), thing("u3", "3"), false);
  EXPECT_THAT(late.heard, ::testing::SizeIs(3));
  EXPECT_EQ(late.heard.back(), "+c");
  EXPECT_THAT(late.take(), UnorderedElementsAre("+a first", "+b first", "+c"));
}

// Case 37.
TEST_F(StoreTest, AHandlerMayThrowOrRemoveItself) {
  int calls = 0;
  uint64_t id = 0;
  id = store.core().add_handler([&](const Delivery&) {
    ++calls;
    store.core().remove_handler(id);
  });
  store.core().add_handler(
      [](const Delivery&) { throw std::runtime_error("no"); });
  Listener last;
  store.core().add_handler(last.handler());
  store.core().upsert(key("a"), thing("u", "1"), false);
  store.core().upsert(key("a"), thing("u", "2"), true);
  EXPECT_EQ(calls, 1);
  EXPECT_THAT(last.heard, ElementsAre("+a", "~a"));
  EXPECT_EQ(store.core().counts().handler_failures, 2U);
}

TEST_F(StoreTest, AHandlerSeesWhatTheStoreHoldsAtThatMoment) {
  std::vector<std::string> seen;
  store.core().add_handler([&](const Delivery& d) {
    const auto object = store.get(d.key);
    seen.push_back(object ? object->text : "gone");
  });
  store.core().upsert(key("a"), thing("u", "1"), false);
  store.core().remove(key("a"), "2");
  EXPECT_THAT(seen, ElementsAre("u@1", "gone"));
}

TEST_F(StoreTest, AnIndexAddedLateCoversWhatIsHeld) {
  store.core().upsert(key("a"), thing("u", "1", {"x"}), false);
  store.add_index("length", [](const Thing& t) {
    return std::vector{std::to_string(t.text.size())};
  });
  EXPECT_EQ(store.find("length", "3").size(), 1U);
  EXPECT_THAT(store.find("no such index", "3"), IsEmpty());
}

// Case 43, the store's half: the key is held while the cache is behind our
// write, and a bookmark alone sets it free.
TEST_F(StoreTest, HoldsAKeyUntilTheCacheHasPassedOurWrite) {
  list({{"a", thing("u", "5")}}, "5");
  listener.take();
  store.core().wrote(key("a"), "12", kStart);
  EXPECT_TRUE(store.core().held_until(key("a"), kStart));
  EXPECT_FALSE(store.core().held_until(key("b"), kStart));
  store.core().advance("11");
  EXPECT_TRUE(store.core().held_until(key("a"), kStart));
  store.core().advance("12");
  EXPECT_FALSE(store.core().held_until(key("a"), kStart));
  EXPECT_THAT(listener.take(), ElementsAre("!a"));

  store.core().wrote(key("a"), "12", kStart);  // the answer came late
  EXPECT_FALSE(store.core().held_until(key("a"), kStart));
}

TEST(VersionGate, TheNewestWriteCounts) {
  VersionGate gate;
  gate.advance("5");
  gate.wrote(key("a"), "20", kStart);
  gate.wrote(key("a"), "9", kStart);
  EXPECT_THAT(gate.advance("10"), IsEmpty());
  EXPECT_THAT(gate.advance("100"), ElementsAre(key("a")));
  EXPECT_EQ(gate.size(), 0U);
}

TEST(VersionGate, NeverHoldsForEver) {
  VersionGate gate;
  gate.advance("5");
  gate.wrote(key("a"), "not a version", kStart);
  EXPECT_FALSE(gate.held_until(key("a"), kStart));
  gate.wrote(key("b"), "6", kStart);
  EXPECT_TRUE(gate.held_until(key("b"), kStart + seconds{119}));
  EXPECT_FALSE(gate.held_until(key("b"), kStart + VersionGate::kLongestHold));
}

// Case 39.
TEST_F(StoreTest, IndexesAgreeWithBruteForceUnderRandomChanges) {
  std::mt19937 random(7);
  const auto pick = [&random](uint32_t n) { return random() % n; };
  const std::vector<std::string> tags = {"x", "y", "z"};
  std::map<std::string, std::set<std::string>> truth;  // name -> tags
  int version = 1;
  for (int i = 0; i < 3'000; ++i) {
    const std::string name = std::to_string(pick(12));
    std::vector<std::string> some;
    for (const std::string& tag : tags) {
      if (pick(2) == 0) some.push_back(tag);
    }
    const std::string now = std::to_string(++version);
    if (pick(40) == 0) {  // relist, half of it gone
      StoreStage stage;
      for (auto it = truth.begin(); it != truth.end();) {
        if (pick(2) == 0) {
          it = truth.erase(it);
          continue;
        }
        it->second = {some.begin(), some.end()};
        stage.upsert(key(it->first), thing("u", now, some));
        ++it;
      }
      store.core().swap(std::move(stage), now);
    } else if (pick(3) == 0) {
      truth.erase(name);
      store.core().remove(key(name), now);
    } else {
      truth[name] = {some.begin(), some.end()};
      store.core().upsert(key(name), thing("u", now, some), true);
    }
    for (const std::string& tag : tags) {
      std::set<std::string> expected;
      for (const auto& [n, t] : truth) {
        if (t.contains(tag)) expected.insert(n);
      }
      std::set<std::string> found;
      for (const ObjectKey& k : store.core().find_keys("tag", tag)) {
        found.insert(k.name);
      }
      ASSERT_EQ(found, expected) << "after change " << i;
    }
  }
}

// Its value is under ThreadSanitizer: readers beside the one writer, and no
// reader ever sees half a swap.
TEST_F(StoreTest, ReadersSeeOneMoment) {
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};
  std::atomic<int> reads{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto objects = store.list();
        for (const auto& object : objects) {
          if (object->text != objects.front()->text) ++torn;
        }
        ++reads;
        std::this_thread::yield();
      }
    });
  }
  int version = 0;
  while (version < 300 || reads < 50) {
    const std::string v = std::to_string(++version);
    list({{"a", thing("u", v)}, {"b", thing("u", v)}}, v);
    std::this_thread::yield();
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace chrysalis::runtime
