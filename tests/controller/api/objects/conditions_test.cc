#include "controller/api/objects/conditions.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace chrysalis::api {
namespace {

using std::chrono::milliseconds;

Wall at(int64_t second) { return Wall(seconds(second)); }

Condition of_type(std::string type) {
  Condition out;
  out.type = std::move(type);
  return out;
}

std::vector<std::string> types(const std::vector<Condition>& all) {
  std::vector<std::string> out;
  for (const Condition& one : all) out.push_back(one.type);
  return out;
}

TEST(Conditions, EveryTypeParsesBackAndStandsOnce) {
  std::set<std::string_view> seen;
  for (const ConditionType type : kConditionTypes) {
    EXPECT_TRUE(seen.insert(to_string(type)).second) << to_string(type);
    EXPECT_EQ(parse_condition_type(to_string(type)), type);
  }
  EXPECT_FALSE(seen.contains(""));
  EXPECT_EQ(seen.size(),
            static_cast<size_t>(ConditionType::kGuestNetworkReady) + 1);
  EXPECT_EQ(parse_condition_type("Happy"), std::nullopt);
}

TEST(Conditions, KeepsTheTimeOfTheLastTransitionWhileTheStatusStays) {
  std::vector<Condition> all;
  set_condition(all, ConditionType::kReady, Truth::kFalse, "Starting", "a", 1,
                at(10));
  set_condition(all, ConditionType::kReady, Truth::kFalse, "BootFailed", "b", 2,
                at(20));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0],
            (Condition{"Ready", Truth::kFalse, "BootFailed", "b", 2, at(10)}));
  set_condition(all, ConditionType::kReady, Truth::kTrue, "Running", "", 2,
                at(30));
  EXPECT_EQ(all[0],
            (Condition{"Ready", Truth::kTrue, "Running", "", 2, at(30)}));
}

TEST(Conditions, TimesAreWholeSecondsAsTheyAreWritten) {
  std::vector<Condition> all;
  set_condition(all, ConditionType::kReady, Truth::kTrue, "Running", "", 1,
                at(10) + milliseconds(999));
  EXPECT_EQ(all[0].last_transition, at(10));
}

TEST(Conditions, StandInTheOrderOfTheListWhateverTheOrderOfSetting) {
  std::vector<Condition> all = {of_type("Foreign")};
  for (size_t i = std::size(kConditionTypes); i-- > 0;)
    set_condition(all, kConditionTypes[i], Truth::kTrue, "Running", "", 1,
                  at(1));
  std::vector<std::string> wanted;
  for (const ConditionType type : kConditionTypes)
    wanted.emplace_back(to_string(type));
  wanted.emplace_back("Foreign");
  EXPECT_EQ(types(all), wanted);
}

TEST(Conditions, RemovesOneTypeAndNoOther) {
  std::vector<Condition> all = {of_type("Ready"), of_type("Stalled"),
                                of_type("Running")};
  remove_condition(all, ConditionType::kStalled);
  EXPECT_EQ(types(all), (std::vector<std::string>{"Ready", "Running"}));
  remove_condition(all, ConditionType::kStalled);
  EXPECT_EQ(all.size(), 2U);
  EXPECT_EQ(find_condition(all, ConditionType::kStalled), nullptr);
  ASSERT_NE(find_condition(all, ConditionType::kRunning), nullptr);
}

}  // namespace
}  // namespace chrysalis::api
