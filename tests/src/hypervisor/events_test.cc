#include "src/hypervisor/events.h"

#include <gtest/gtest.h>

#include <fstream>

namespace chrysalis::hypervisor {
namespace {

using Kind = VmmEvent::Kind;

std::string event(const std::string& source, const std::string& name,
                  const std::string& properties = "null") {
  return "{\n  \"timestamp\": {\n    \"secs\": 0,\n    \"nanos\": 1\n  },\n"
         "  \"source\": \"" +
         source + "\",\n  \"event\": \"" + name +
         "\",\n  \"properties\": " + properties + "\n}\n\n";
}

TEST(EventParser, SplitsWhereverTheStreamIsCut) {
  const std::string stream =
      event("vm", "booted") + event("vm", "rebooted") +
      event("vm", "device-removed", R"({"id":"net0","bdf":"}{\"0000"})") +
      event("vm", "shutdown");
  const std::vector<VmmEvent> expected = {{Kind::kBooted, ""},
                                          {Kind::kRebooted, ""},
                                          {Kind::kDeviceRemoved, "net0"},
                                          {Kind::kGuestEnded, ""}};
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    EventParser parser;
    auto events = parser.feed(stream.substr(0, cut));
    const auto more = parser.feed(stream.substr(cut));
    events.insert(events.end(), more.begin(), more.end());
    ASSERT_EQ(events, expected) << cut;
  }
}

TEST(EventParser, SkipsWhatIsTooLargeOrBroken) {
  EventParser parser;
  EXPECT_TRUE(
      parser.feed(event("vm", std::string(size_t{1} << 17, 'x'))).empty());
  EXPECT_TRUE(parser.feed("{broken}").empty());
  EXPECT_EQ(parser.feed(event("vm", "booted")).size(), 1U);
}

TEST(EventFile, GoesOnWhereItEndedAndTakesALongFileInPieces) {
  std::string dir = testing::TempDir() + "eventsXXXXXX";
  const std::filesystem::path path = ::mkdtemp(dir.data());
  EventFile file(path / "events");
  EXPECT_TRUE(file.read()->empty());  // not there yet
  std::ofstream out(path / "events");
  constexpr size_t kMany = 20'000;
  for (size_t i = 0; i < kMany; ++i) out << event("vm", "rebooted");
  out << std::flush;
  size_t seen = 0, calls = 0;
  do {
    seen += file.read()->size();
    ++calls;
  } while (file.more());
  EXPECT_EQ(seen, kMany);
  EXPECT_GT(calls, 2U);
  out << event("vm", "booted") << std::flush;
  EXPECT_EQ(file.read()->size(), 1U);
  EXPECT_TRUE(file.read()->empty());
  std::filesystem::remove_all(path);
}

// Holes, or anything else that holds no event, cost no more than events do.
TEST(EventFile, IsReadInPiecesAndGivenUpWhateverItHolds) {
  std::string dir = testing::TempDir() + "eventsXXXXXX";
  const std::filesystem::path path = ::mkdtemp(dir.data());
  std::ofstream(path / "events") << event("vm", "booted");
  std::filesystem::resize_file(path / "events", EventFile::kMaxFile + 1);
  EventFile file(path / "events");
  EXPECT_EQ(file.read()->size(), 1U);
  EXPECT_TRUE(file.more());
  size_t calls = 1;
  auto events = file.read();
  for (; events && file.more(); events = file.read(), ++calls)
    EXPECT_TRUE(events->empty());
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().code, Code::kCorrupt);
  EXPECT_EQ(calls, EventFile::kMaxFile >> 20);
  EXPECT_EQ(file.read().error().code, Code::kCorrupt);
  EXPECT_FALSE(file.more());
  std::filesystem::remove_all(path);
}

TEST(EventFile, IsReadFromItsNewStartWhenItWasEmptied) {
  std::string dir = testing::TempDir() + "eventsXXXXXX";
  const std::filesystem::path path = ::mkdtemp(dir.data());
  std::ofstream out(path / "events", std::ios::app);
  out << event("vm", "booted") << event("vm", "rebooted").substr(0, 20)
      << std::flush;
  EventFile file(path / "events");
  EXPECT_EQ(file.read()->size(), 1U);
  EXPECT_FALSE(file.cut());
  std::filesystem::resize_file(path / "events", 0);
  out << event("vm", "shutdown") << std::flush;
  const auto events = file.read();
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (std::vector<VmmEvent>{{Kind::kGuestEnded, ""}}));
  EXPECT_TRUE(file.cut());
  EXPECT_TRUE(file.read()->empty());
  EXPECT_FALSE(file.cut());
  std::filesystem::remove_all(path);
}

TEST(EventTail, WaitsForAFileThatIsNotThereYet) {
  std::string dir = testing::TempDir() + "eventsXXXXXX";
  const std::filesystem::path path = ::mkdtemp(dir.data());
  auto tail = EventTail::open(path / "events");
  ASSERT_TRUE(tail) << tail.error().message;
  EXPECT_TRUE(tail->read()->empty());
  EXPECT_EQ(tail->wait(Mono::clock::now()).error().code, Code::kTimeout);
  std::ofstream(path / "events") << event("vm", "booted");
  const auto events = tail->wait(Mono::clock::now() + seconds{20});
  ASSERT_TRUE(events);
  EXPECT_EQ(events->at(0).kind, Kind::kBooted);
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace chrysalis::hypervisor
