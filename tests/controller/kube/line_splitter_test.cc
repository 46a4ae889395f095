#include "controller/kube/line_splitter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace chrysalis::kube {
namespace {

std::vector<std::string> feed_all(LineSplitter& splitter,
                                  const std::vector<std::string>& pieces) {
  std::vector<std::string> lines;
  for (const std::string& piece : pieces) {
    const auto fed = splitter.feed(piece, [&](PaddedJson line) {
      lines.emplace_back(line.text());
      return true;
    });
    EXPECT_TRUE(fed.has_value());
  }
  return lines;
}

const std::string kStream =
    "{\"type\":\"ADDED\"}\n\n{\"type\":\"BOOKMARK\"}\r\n\r\n{\"a\":\"\\n\"}\n";
const std::vector<std::string> kLines = {
    "{\"type\":\"ADDED\"}", "{\"type\":\"BOOKMARK\"}", "{\"a\":\"\\n\"}"};

TEST(LineSplitter, Case27_CutAtEveryByteIsTheSame) {
  for (size_t cut = 0; cut <= kStream.size(); ++cut)
    for (size_t second = cut; second <= kStream.size(); ++second) {
      LineSplitter splitter;
      const auto lines = feed_all(
          splitter, {kStream.substr(0, cut), kStream.substr(cut, second - cut),
                     kStream.substr(second)});
      ASSERT_EQ(lines, kLines) << cut << " " << second;
      EXPECT_EQ(splitter.pending(), 0u);
    }
}

TEST(LineSplitter, Case27_OneByteAPiece) {
  LineSplitter splitter;
  std::vector<std::string> pieces;
  for (const char c : kStream) pieces.emplace_back(1, c);
  EXPECT_EQ(feed_all(splitter, pieces), kLines);
}

TEST(LineSplitter, Case28_TwoInOnePieceAndEmptyLines) {
  LineSplitter splitter;
  EXPECT_EQ(feed_all(splitter, {"\n\n1\n22\n\n", "333\n4"}),
            (std::vector<std::string>{"1", "22", "333"}));
  EXPECT_EQ(splitter.pending(), 1u);
}

TEST(LineSplitter, Case28_AnEventOfOneAndAHalfMegabytes) {
  LineSplitter splitter;
  const std::string large(1'500'000, 'x');
  std::vector<std::string> pieces;
  for (size_t at = 0; at < large.size(); at += 65'536)
    pieces.push_back(large.substr(at, 65'536));
  pieces.push_back("\nsmall\n");
  const auto lines = feed_all(splitter, pieces);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], large);
  EXPECT_EQ(lines[1], "small");
}

TEST(LineSplitter, RefusesALineBeyondItsBoundEvenUnfinished) {
  LineSplitter splitter(10);
  const auto ignore = [](PaddedJson) { return true; };
  EXPECT_TRUE(splitter.feed("0123456789\n012345", ignore).has_value());
  const auto refused = splitter.feed("67890", ignore);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kCorrupt);
}

TEST(LineSplitter, StopsAtOnceWhenTheReceiverSaysNo) {
  LineSplitter splitter;
  int seen = 0;
  EXPECT_TRUE(splitter.feed("1\n2\n3\n", [&](PaddedJson) { return ++seen < 2; })
                  .has_value());
  EXPECT_EQ(seen, 2);
}

TEST(LineSplitter, PaddingBehindEveryLineIsReadable) {
  LineSplitter splitter;
  const std::string line(16'384 - kJsonPadding, 'y');  // fills the first buffer
  unsigned sum = 0;
  const auto fed = splitter.feed(line + "\n", [&](PaddedJson json) {
    for (size_t i = 0; i < kJsonPadding; ++i)
      sum += static_cast<unsigned char>(json.data[json.size + i]);
    return true;
  });
  EXPECT_TRUE(fed.has_value());  // ASan is the judge of the reads
  EXPECT_GE(sum, 0u);
}

}  // namespace
}  // namespace chrysalis::kube
