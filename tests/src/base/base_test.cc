#include <gtest/gtest.h>

#include <cerrno>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace chrysalis {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return fail(Code::kInvalid, "odd");
  return n / 2;
}

Result<int> quarter(int n) {
  CHRYSALIS_ASSIGN(const int h, half(n));
  CHRYSALIS_TRY(half(h));
  return half(h);
}

TEST(Result, MacrosPassTheFirstErrorUp) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_EQ(quarter(7).error().code, Code::kInvalid);
}

TEST(Result, ContextStandsBeforeTheReason) {
  const Error e = with_context(from_errno(ENOENT, "open"), "kernel");
  EXPECT_EQ(e.message, "kernel: open: No such file or directory");
  EXPECT_EQ(e.code, Code::kNotFound);
}

TEST(Clock, WritesMetaTime) {
  EXPECT_EQ(to_rfc3339(Wall{seconds{1796000000}}), "2026-11-30T00:53:20Z");
}

TEST(Log, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(log::format_fields({{"a", 1}, {"b", "x y"}, {"c", "q\"q"}}),
            " a=1 b=\"x y\" c=\"q\\\"q\"");
}

TEST(UniqueFd, ClosesOnce) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  UniqueFd moved(std::move(write_end));
  EXPECT_TRUE(moved.valid());
  moved.reset();
  char byte;
  EXPECT_EQ(::read(read_end.get(), &byte, 1), 0);
}

}  // namespace
}  // namespace chrysalis
