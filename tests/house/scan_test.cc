#include "tests/house/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chrysalis::house {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Scan, BlanksCommentsAndKeepsTheLines) {
  EXPECT_EQ(code_of("a // b\nc /* d\n e */ f", Literals::kKeep),
            "a     \nc     \n      f");
}

TEST(Scan, ACommentSignInALiteralIsNoComment) {
  EXPECT_EQ(code_of(R"(x("//y"); z)", Literals::kKeep), R"(x("//y"); z)");
  EXPECT_EQ(code_of(R"(x("//y"); z)", Literals::kBlank), R"(x("   "); z)");
}

TEST(Scan, AnEscapedQuoteDoesNotEndALiteral) {
  EXPECT_EQ(code_of(R"("a\"b" c)", Literals::kBlank), R"("    " c)");
  EXPECT_EQ(code_of(R"('\'' c // d)", Literals::kBlank), R"('  ' c     )");
  EXPECT_EQ(code_of(R"('"' c)", Literals::kBlank), R"(' ' c)");
}

TEST(Scan, ARawStringEndsAtItsDelimiter) {
  EXPECT_EQ(code_of("R\"x(a)\" // \")x\" b", Literals::kBlank),
            "R               b");
  EXPECT_EQ(code_of("u8R\"(a)\" b", Literals::kBlank), "u8R      b");
}

TEST(Scan, ADigitSeparatorOpensNoLiteral) {
  EXPECT_EQ(code_of("1'000 + x // y", Literals::kBlank), "1'000 + x     ");
}

TEST(Scan, WhatDoesNotEndEndsWithTheText) {
  EXPECT_EQ(code_of("a /* b", Literals::kBlank), "a     ");
  EXPECT_EQ(code_of("a \"b\\", Literals::kBlank), "a \"  ");
  EXPECT_EQ(code_of("R\"(b", Literals::kBlank), "R   ");
  EXPECT_EQ(code_of("R\"", Literals::kBlank), "R\"");
  EXPECT_EQ(code_of("", Literals::kBlank), "");
}

TEST(Scan, ReadsIncludesInEitherForm) {
  EXPECT_THAT(
      includes_of("#include <mutex>\n  # include \"a/b.h\"\n"),
      ElementsAre(Include{"mutex", false, 1}, Include{"a/b.h", true, 2}));
}

TEST(Scan, AnIncludeInACommentIsNone) {
  EXPECT_THAT(includes_of("// #include <a>\n/*\n#include <b>\n*/\n"),
              IsEmpty());
}

TEST(Scan, FindsWholeWordsOnly) {
  EXPECT_THAT(lines_with_word("a crd\nacrd crds\n_crd\n(crd)", "crd"),
              ElementsAre(1, 4));
  EXPECT_THAT(lines_with_word("crd crd", "crd"), ElementsAre(1));
  EXPECT_THAT(lines_with_word("", "crd"), IsEmpty());
}

}  // namespace
}  // namespace chrysalis::house
