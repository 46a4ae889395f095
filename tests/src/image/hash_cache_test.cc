#include "src/image/hash_cache.h"

#include "tests/fakes/fake_clock.h"
#include "tests/src/image/image_fixture.h"

namespace chrysalis::image {
namespace {

class HashCacheTest : public ImageTest {
 protected:
  std::string hash_of(std::string_view bytes, time_t mtime) {
    put(dir_ / "f", bytes, mtime);
    const UniqueFd fd(::open((dir_ / "f").c_str(), O_RDONLY | O_CLOEXEC));
    return cache_.hash(fd.get(), file_id(fd.get(), "f").value(), "f").value();
  }
  [[nodiscard]] time_t now() const {
    return std::chrono::system_clock::to_time_t(clock_.wall());
  }

  FakeClock clock_;
  HashCache cache_{clock_};
};

TEST_F(HashCacheTest, RemembersASettledFile) {
  for (const time_t mtime : {now() - 3, now() + 3}) {
    const std::string before = hash_of("one", mtime);
    EXPECT_EQ(hash_of("two", mtime), before);
    EXPECT_NE(hash_of("two", mtime + 10), before);
  }
}

// Its next change could have the same mtime.
TEST_F(HashCacheTest, DoesNotRememberOneChangedJustNow) {
  for (const time_t mtime : {now() - 2, now(), now() + 2})
    EXPECT_NE(hash_of("one", mtime), hash_of("two", mtime));
}

TEST_F(HashCacheTest, AnotherFileThanItWasIsAConflict) {
  put(dir_ / "f", "one");
  const UniqueFd fd(::open((dir_ / "f").c_str(), O_RDONLY | O_CLOEXEC));
  FileId id = file_id(fd.get(), "f").value();
  id.mtime_ns += 1;
  EXPECT_EQ(cache_.hash(fd.get(), id, "f").error().code, Code::kConflict);
}

}  // namespace
}  // namespace chrysalis::image
