#include "src/engine/hands/reservations.h"

#include <gtest/gtest.h>

namespace chrysalis::engine {
namespace {

constexpr uint64_t kMi = uint64_t{1} << 20;
constexpr Room kHost{100 * kMi, 1000 * kMi};

TEST(Reservations, WhatOthersWerePromisedIsNotThere) {
  Reservations table;
  EXPECT_FALSE(table.reserve("u1", {60 * kMi, 0}, kHost));
  const auto no = table.reserve("u2", {50 * kMi, 0}, kHost);
  ASSERT_TRUE(no);
  EXPECT_EQ(no->reason, Reason::kInsufficientMemory);
  EXPECT_EQ(no->message,
            "it needs 50Mi of memory; the node has 100Mi, of which 60Mi are "
            "reserved by operations in flight");
  EXPECT_FALSE(table.reserve("u3", {40 * kMi, 0}, kHost));
  table.release("u1");
  EXPECT_FALSE(table.reserve("u2", {50 * kMi, 0}, kHost));
}

TEST(Reservations, DiskIsCountedApart) {
  Reservations table;
  EXPECT_FALSE(table.reserve("u1", {100 * kMi, 900 * kMi}, kHost));
  EXPECT_FALSE(table.reserve("u2", {0, 100 * kMi}, kHost));
  const auto no = table.reserve("u3", {0, 1}, kHost);
  ASSERT_TRUE(no);
  EXPECT_EQ(no->reason, Reason::kInsufficientStorage);
}

TEST(Reservations, AskingAgainReplacesAndARefusalKeeps) {
  Reservations table;
  EXPECT_FALSE(table.reserve("u1", {90 * kMi, 0}, kHost));
  EXPECT_FALSE(table.reserve("u1", {80 * kMi, 0}, kHost));
  EXPECT_TRUE(table.reserve("u1", {101 * kMi, 0}, kHost));
  EXPECT_TRUE(table.reserve("u2", {21 * kMi, 0}, kHost));
  EXPECT_FALSE(table.reserve("u2", {20 * kMi, 0}, kHost));
}

TEST(Reservations, AHostThatLostMemoryHasNoneLeftRatherThanLots) {
  Reservations table;
  EXPECT_FALSE(table.reserve("u1", {90 * kMi, 0}, kHost));
  EXPECT_TRUE(table.reserve("u2", {1, 0}, {50 * kMi, 0}));
  EXPECT_FALSE(table.reserve("u2", {0, 0}, {50 * kMi, 0}));
}

TEST(RoomOf, ThisHostHasSome) {
  const auto room = room_of(testing::TempDir());
  ASSERT_TRUE(room) << room.error().message;
  EXPECT_GT(room->memory, kMi);
  EXPECT_GT(room->storage, 0U);
}

}  // namespace
}  // namespace chrysalis::engine
