#include "controller/api/yaml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "controller/api/yaml.h"

namespace chrysalis::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json one(const std::string& text) {
  const auto read = read_yaml(text);
  EXPECT_EQ(read.fault, "") << text;
  EXPECT_EQ(read.documents.size(), 1u) << text;
  return read.documents.empty() ? json() : read.documents[0].value;
}
std::string fault(const std::string& text, const YamlLimits& limits = {}) {
  const auto read = read_yaml(text, limits);
  EXPECT_TRUE(read.documents.empty() || read.fault.empty());
  return std::to_string(read.fault_line) + ": " + read.fault;
}

TEST(YamlReader, ReadsBlocksFlowsAndJson) {
  const json expected = {{"a", {{"b", {1, "x", true, nullptr}}}}};
  EXPECT_EQ(one("a:\n  b:\n  - 1\n  - x\n  - true\n  -\n"), expected);
  EXPECT_EQ(one("a: {b: [1, 'x', true, ~]}"), expected);
  EXPECT_EQ(one(R"({"a": {"b": [1, "x", true, null]}})"), expected);
}

TEST(YamlReader, PlainScalarsHaveTheirTypes) {
  const json expected = {{"i", 7},      {"neg", -7},    {"hex", 255},
                         {"oct", 493},  {"oct2", 8},    {"bin", 5},
                         {"big", 1000}, {"real", 1.5},  {"exp", 1e3},
                         {"yes", true}, {"off", false}, {"nil", nullptr}};
  EXPECT_EQ(one("i: 7\nneg: -7\nhex: 0xff\noct: 0755\noct2: 0o10\nbin: "
                "0b101\nbig: 1_000\n"
                "real: 1.5\nexp: 1e3\n'yes': yes\n'off': off\nnil:\n"),
            expected);
  EXPECT_TRUE(one("7").is_number_integer());
  EXPECT_TRUE(one("2.0").is_number_integer());  // as kubectl sends it
  EXPECT_TRUE(one("1e3").is_number_integer());
  EXPECT_TRUE(one("1.5").is_number_float());
  EXPECT_EQ(one("9223372036854775808"), json(uint64_t{1} << 63));
  EXPECT_EQ(one("-9223372036854775808"), json(INT64_MIN));
  EXPECT_TRUE(one("99999999999999999999").is_number_float());
}

TEST(YamlReader, WhatLooksLikeANumberMayBeAWord) {
  for (const auto* word : {"1Gi", "0x", "1.2.3", "nan", "inf", "+",
                           "2026-11-24", "abc", "e1", "1e999"})
    EXPECT_EQ(one(word), json(word)) << word;
  for (const auto* quoted : {"'7'", "\"true\"", "'~'", "!!str 7"})
    EXPECT_TRUE(one(quoted).is_string()) << quoted;
}

TEST(YamlReader, TellsTheLineOfEachDocument) {
  const auto read = read_yaml("# comment\na: 1\n---\n\nb: 2\n---\n---\nc: 3\n");
  ASSERT_EQ(read.documents.size(), 4u);
  EXPECT_EQ(read.documents[0].line, 2u);
  EXPECT_EQ(read.documents[1].line, 5u);
  EXPECT_TRUE(read.documents[2].value.is_null());
  EXPECT_EQ(read.documents[3].line, 8u);
}

TEST(YamlReader, NotesWhereEachValueStands) {
  const auto read = read_yaml(
      "a:\n  b:\n  - 1\n  - {c: 2}\n---\nd: e\n"
      "f: {\n  g: [\n 1]}\n",
      {.notes = true});
  ASSERT_EQ(read.documents.size(), 2U) << read.fault;
  using Lines = std::map<std::string, uint32_t>;
  EXPECT_EQ(read.documents[0].lines, (Lines{{"a", 1},
                                            {"a.b", 2},
                                            {"a.b[0]", 3},
                                            {"a.b[1]", 4},
                                            {"a.b[1].c", 4}}));
  EXPECT_EQ(read.documents[1].lines,
            (Lines{{"d", 6}, {"f", 7}, {"f.g", 8}, {"f.g[0]", 9}}));
  EXPECT_TRUE(read_yaml("a: 1").documents[0].lines.empty());
  const auto deep =
      read_yaml(std::string(600, 'k') + ": {a: 1}\n", {.notes = true});
  EXPECT_TRUE(deep.documents[0].lines.empty());
}

TEST(YamlReader, NotesWhatIsNoStringThoughItLooksLikeOne) {
  const auto read =
      read_yaml("a: yes\nb: [off, 0755, 'no', true, 0, -0, 10]\nc: -012\n",
                {.notes = true});
  ASSERT_EQ(read.documents.size(), 1U);
  std::string told;
  for (const YamlSurprise& one : read.documents[0].surprises)
    told += std::to_string(one.line) + " " + one.path + " " + one.text + " " +
            one.read + "; ";
  EXPECT_EQ(told,
            "1 a yes true; 2 b[0] off false; 2 b[1] 0755 493; 3 c -012 -10; ");
}

TEST(YamlReader, NothingIsNoDocument) {
  for (const auto* text : {"", "\n", "# only a comment\n"})
    EXPECT_TRUE(read_yaml(text).documents.empty()) << text;
}

TEST(YamlReader, SaysTheLineOfAFault) {
  EXPECT_THAT(fault("a: 1\nb: [1\nc: 2\n"), HasSubstr("3: "));
  EXPECT_THAT(fault("a: 1\nb: 2\na: 3\n"), HasSubstr("3: key \"a\" stands "));
  EXPECT_THAT(fault("a: &x {b: 1}\nc:\n  <<: *x\n"), HasSubstr("3: merge"));
  EXPECT_THAT(fault("{[a]: 1}"), HasSubstr("1: a key must be"));
  EXPECT_THAT(fault("? {a: 1}\n: 2\n"), HasSubstr("1: a key must be"));
  EXPECT_THAT(fault("a: *nobody\n"), HasSubstr("1: "));
}

TEST(YamlReader, AliasesStandForTheirValue) {
  EXPECT_EQ(one("a: &x {b: [1, 2]}\nc: *x\n"),
            (json{{"a", {{"b", {1, 2}}}}, {"c", {{"b", {1, 2}}}}}));
  EXPECT_NE(fault("a: &x [*x]\n"), "0: ");
}

TEST(YamlReader, IsBounded) {
  EXPECT_THAT(fault(std::string(200, '[') + std::string(200, ']')),
              HasSubstr("1: nested deeper"));
  EXPECT_THAT(fault(std::string(100'000, '[')), HasSubstr("1: "));
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += std::string(i, ' ') + "a:\n";
  EXPECT_THAT(fault(deep), HasSubstr("65: nested deeper than 64 levels"));
  EXPECT_THAT(fault("abc", {.bytes = 2}), HasSubstr("more than 2 bytes"));
  EXPECT_THAT(fault("a\n---\nb\n---\nc", {.documents = 2}),
              HasSubstr("more than 2 documents"));
  EXPECT_THAT(fault("[1, 2, 3]", {.values = 3}),
              HasSubstr("more than 3 values"));

  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const auto before = " *a" + std::to_string(i - 1);
    std::string list = before;
    for (int j = 1; j < 10; ++j) list += "," + before;
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" +
              list + "]\n";
  }
  EXPECT_THAT(fault(laughs), HasSubstr("more than 100000 values"));
}

TEST(YamlReader, ReadsWhatTheWriterWrote) {
  const nlohmann::ordered_json value = {
      {"name", "yes"},
      {"list", {1, -2, true, nullptr, "0x1", "a: b # c", "two\nlines"}},
      {"empty", ""},
      {"map", {{"x", 1.25}}}};
  EXPECT_EQ(one(to_yaml(value)), json(value));
}

TEST(YamlReader, IsTotalOnAnyBytes) {
  std::mt19937 random(7);
  const std::string alphabet = "a1:-[]{},&*!|>'\"%#?\n\t  \\~.\xc3\xff";
  size_t parsed = 0;
  for (int i = 0; i < 3'000; ++i) {
    std::string text;
    for (int n = 0; n < 24; ++n) text += alphabet[random() % alphabet.size()];
    const auto read = read_yaml(text);
    parsed += read.fault.empty();
    EXPECT_TRUE(read.fault.empty() || read.documents.empty());
  }
  EXPECT_GT(parsed, 20u);
}

}  // namespace
}  // namespace chrysalis::api
