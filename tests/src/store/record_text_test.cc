#include "src/store/record_text.h"

#include <gmock/gmock.h>

#include "tests/src/store/a_record.h"

namespace chrysalis::store {
namespace {

using ::testing::HasSubstr;

TEST(RecordText, EveryMemberComesBack) {
  EXPECT_EQ(vm_record_from_text(to_text(a_vm("vm-1"))).value(), a_vm("vm-1"));
  EXPECT_EQ(snapshot_record_from_text(to_text(a_snapshot("snap-1"))).value(),
            a_snapshot("snap-1"));
}

TEST(RecordText, AnOlderOrNewerOneIsRead) {
  const auto record =
      vm_record_from_text(R"({"uid":"vm-1","generation":3,"later":[1]})");
  ASSERT_TRUE(record.has_value()) << record.error().message;
  EXPECT_EQ(record->generation, 3U);
  EXPECT_EQ(record->power, model::PowerState::kRunning);
}

TEST(RecordText, IsNotBelievedBlindly) {
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string("{}"),
        std::string(R"({"uid":"../x"})"),
        std::string(R"({"uid":"a","mtu":-1})"),
        std::string(R"({"uid":"a","uid":"b"})"), std::string(100'000, '['),
        std::string(300'000, ' ')})
    EXPECT_EQ(vm_record_from_text(bad).error().code, Code::kCorrupt)
        << bad.substr(0, 40);
  EXPECT_THAT(vm_record_from_text(R"({"uid":"a","config":{"cpu":"2"}})")
                  .error()
                  .message,
              HasSubstr("config: cpu: not a whole number"));
}

}  // namespace
}  // namespace chrysalis::store
