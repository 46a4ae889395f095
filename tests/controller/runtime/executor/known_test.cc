#include "controller/runtime/executor/known.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/runtime/executor/absence.h"
#include "controller/runtime/executor/load_book.h"

namespace chrysalis::runtime {
namespace {

using model::operator""_MiB;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const ObjectKey kA{"ns", "a"}, kB{"ns", "b"}, kC{"ns", "c"};

TEST(Known, AKeyMayHaveSeveralUids) {
  Known known;
  known.learn("1", kA);
  known.learn("2", kA);
  known.learn("2", kA);
  EXPECT_THAT(known.uids_of(kA), UnorderedElementsAre("1", "2"));
  known.learn("2", kB);
  EXPECT_THAT(known.uids_of(kA), ElementsAre("1"));
  EXPECT_EQ(known.key_of("2"), kB);
  known.forget("1");
  known.forget("1");
  EXPECT_THAT(known.uids_of(kA), IsEmpty());
  EXPECT_EQ(known.key_of("1"), std::nullopt);
}

TEST(Known, RemembersOnlyWhatItKnows) {
  Known known;
  reconcile::Memory memory;
  memory.restarts_in_a_row = 3;
  known.remember("1", memory);
  EXPECT_EQ(known.memory("1"), reconcile::Memory{});
  known.learn("1", kA);
  known.remember("1", memory);
  EXPECT_EQ(known.memory("1"), memory);
  EXPECT_FALSE(known.deletion_seen("1"));
  known.saw_deletion("1");
  EXPECT_TRUE(known.deletion_seen("1"));
  known.forget("1");
  known.learn("1", kA);
  EXPECT_FALSE(known.deletion_seen("1"));
}

TEST(Waiters, EachWaitsOnOneAtMost) {
  Waiters waiters;
  waiters.wait(kA, kC);
  waiters.wait(kB, kC);
  waiters.wait(kB, kC);
  EXPECT_THAT(waiters.on(kC), UnorderedElementsAre(kA, kB));
  waiters.wait(kA, kB);
  EXPECT_THAT(waiters.on(kC), ElementsAre(kB));
  EXPECT_THAT(waiters.on(kB), ElementsAre(kA));
  waiters.wait(kB, std::nullopt);
  EXPECT_THAT(waiters.on(kC), IsEmpty());
}

TEST(Absence, IsBelievedWhenSeenTwiceHalfAMinuteApart) {
  Absence absence;
  const Mono now{seconds{100}};
  EXPECT_EQ(absence.missing("1", now), now + seconds{30});
  EXPECT_EQ(absence.missing("1", now + seconds{29}), now + seconds{30});
  EXPECT_EQ(absence.missing("1", now + seconds{30}), std::nullopt);
  absence.found("1");
  EXPECT_NE(absence.missing("1", now + seconds{60}), std::nullopt);
  EXPECT_TRUE(absence.may_act("1", now));
  EXPECT_FALSE(absence.may_act("1", now + seconds{29}));
  EXPECT_TRUE(absence.may_act("1", now + seconds{30}));
}

TEST(LoadBook, CountsWhatIsThere) {
  LoadBook book;
  book.set(kA, "n", 100_MiB);
  book.set(kB, "n", 100_MiB);
  book.set(kB, "n", 200_MiB);
  ASSERT_EQ(book.loads().size(), 1U);
  EXPECT_EQ(book.loads()[0].used, (556_MiB));
  book.set(kA, "m", 100_MiB);
  EXPECT_EQ(book.loads().size(), 2U);
  EXPECT_TRUE(book.erase(kA));
  EXPECT_FALSE(book.erase(kA));
  EXPECT_TRUE(book.erase(kB));
  EXPECT_TRUE(book.loads().empty());
}

}  // namespace
}  // namespace chrysalis::runtime
