// Power loss at every operation of durable_replace, and proof that the fake
// disk notices each sync that is left out.

#include <gtest/gtest.h>

#include <functional>

#include "src/base/file_system.h"
#include "tests/fakes/crashing_fs.h"

namespace chrysalis {
namespace {

using Replace = std::function<Result<void>(FileSystem&, std::string_view)>;

// The file as recovery finds it; recovering twice must change nothing.
std::string recovered(CrashingFs& disk) {
  const auto once = read_file(disk, "/d/f", 4096);
  return once ? *once : "(" + once.error().message + ")";
}

// The number of (crash point, loss) pairs that break the promise.
int violations(const Replace& replace) {
  const std::string before(64, 'o'), after(100, 'n');
  CrashingFs blank;
  EXPECT_TRUE(blank.mkdir("/d", 0700).has_value());
  EXPECT_TRUE(blank.sync_dir("/").has_value());
  EXPECT_TRUE(durable_replace(blank, "/d/f", before).has_value());

  int broken = 0;
  for (uint64_t n = 0;; ++n) {
    const auto disk = blank.after_power_loss({CrashingFs::Bytes::kLost, 0}, n);
    const bool acknowledged = replace(*disk, after).has_value();
    for (const auto loss : disk->losses()) {
      const auto left = disk->after_power_loss(loss);
      const std::string found = recovered(*left);
      if (acknowledged ? found != after : found != before && found != after)
        ++broken;
      // The next writer must get through whatever the crash left.
      if (!durable_replace(*left, "/d/f", "again").has_value() ||
          recovered(*left) != "again")
        ++broken;
    }
    if (!disk->crashed()) return broken;
  }
}

Result<void> careless(FileSystem& fs, std::string_view bytes, bool sync_file,
                      bool sync_directory) {
  (void)fs.unlink("/d/.f.tmp");
  CHRYSALIS_ASSIGN(const auto file,
                   fs.open("/d/.f.tmp", FileSystem::Mode::kCreate));
  CHRYSALIS_TRY(file->write_at(0, bytes));
  if (sync_file) CHRYSALIS_TRY(file->sync());
  CHRYSALIS_TRY(fs.rename("/d/.f.tmp", "/d/f"));
  if (sync_directory) CHRYSALIS_TRY(fs.sync_dir("/d"));
  return {};
}

TEST(DurableReplace, HoldsItsPromiseAtEveryCrashPoint) {
  EXPECT_EQ(violations([](FileSystem& fs, std::string_view bytes) {
              return durable_replace(fs, "/d/f", bytes);
            }),
            0);
}

TEST(DurableReplace, TheFakeDiskNoticesEachMissingSync) {
  const auto with = [](bool file, bool directory) {
    return violations([=](FileSystem& fs, std::string_view bytes) {
      return careless(fs, bytes, file, directory);
    });
  };
  EXPECT_EQ(with(true, true), 0);
  EXPECT_GT(with(false, true), 0);
  EXPECT_GT(with(true, false), 0);
}

}  // namespace
}  // namespace chrysalis
