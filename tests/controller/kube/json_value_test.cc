#include "controller/kube/json_value.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/api/objects/codec.h"
#include "tests/controller/api/objects/random_status.h"

namespace chrysalis::kube {
namespace {

using nlohmann::json;

template <class T>
std::string outcome(const Result<T>& result) {
  return result ? encode(*result).dump() : "error: " + result.error().message;
}

Result<api::VirtualMachine> walk_vm(JsonReader& reader,
                                    const std::string& text) {
  const PaddedCopy copy(text);
  Result<api::VirtualMachine> out = fail(Code::kInvalid, "not read");
  const auto read = reader.read(copy.json(), [&](JsonValue& value) {
    out = api::decode_vm(value);
    return Result<>{};
  });
  if (!read) return tl::unexpected<Error>(read.error());
  return out;
}

Result<api::VmSnapshot> walk_snapshot(JsonReader& reader,
                                      const std::string& text) {
  const PaddedCopy copy(text);
  Result<api::VmSnapshot> out = fail(Code::kInvalid, "not read");
  const auto read = reader.read(copy.json(), [&](JsonValue& value) {
    out = api::decode_snapshot(value);
    return Result<>{};
  });
  if (!read) return tl::unexpected<Error>(read.error());
  return out;
}

TEST(JsonValueProperty, BothReadersTellTheSameOfWholeObjects) {
  JsonReader reader;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    api::RandomObjects random(seed);
    const json vm = encode(random.vm());
    ASSERT_EQ(outcome(walk_vm(reader, vm.dump())), vm.dump()) << seed;
    const json snapshot = encode(random.snapshot());
    ASSERT_EQ(outcome(walk_snapshot(reader, snapshot.dump(2))), snapshot.dump())
        << seed;
  }
}

// Every value of an object in turn replaced by one of another type: both
// readers must tell the same fault, or that there is none.
void every_pointer(const json& node, const std::string& at,
                   std::vector<std::string>& out) {
  if (!at.empty()) out.push_back(at);
  if (!node.is_structured()) return;
  size_t i = 0;
  for (const auto& [key, member] : node.items())
    every_pointer(
        member, at + "/" + (node.is_array() ? std::to_string(i++) : key), out);
}

TEST(JsonValueProperty, BothReadersTellTheSameFaults) {
  const json odd[] = {nullptr,
                      true,
                      -1,
                      0,
                      1.0,
                      2.5,
                      1e300,
                      18446744073709551615U,
                      INT64_MIN,
                      "",
                      "1",
                      "text \"\\ \n",
                      json::array(),
                      {1, "a"},
                      json::object(),
                      {{"name", 1}, {"x", {{"y", "z"}}}}};
  JsonReader reader;
  size_t faults = 0;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    api::RandomObjects random(seed);
    const json vm = encode(random.vm());
    std::vector<std::string> pointers;
    every_pointer(vm, "", pointers);
    for (const std::string& pointer : pointers)
      for (const json& value : odd) {
        json object = vm;
        object[json::json_pointer(pointer)] = value;
        const auto tree = api::decode_vm(object);
        faults += tree ? 0 : 1;
        ASSERT_EQ(outcome(walk_vm(reader, object.dump())), outcome(tree))
            << "seed " << seed << ": " << pointer << " = " << value.dump();
      }
  }
  EXPECT_GT(faults, 1000U);
}

// The other way to write a number, and what trees have only after escapes.
TEST(JsonValue, ReadsWhatIsWrittenAnotherWay) {
  JsonReader reader;
  const std::string texts[] = {
      R"({"spec": {"resources": {"cpu": 1e0}}})",
      R"({"spec": {"resources": {"cpu": -0}}})",
      R"({"spec": {"resources": {"cpu": 3.0}}})",
      R"({"spec": {"resour\u0063es": {"\u0063pu": 3}}})",
      R"({"spec": {"nodeName": "\u00e4\ud83d\ude00\/"}})",
      R"({"spec": {"nodeName": "a", "nodeName": "b"}})",
      R"({"metadata": {"finalizers": ["a"], "finalizers": ["b"]}})",
      R"({"spec": {"restore": {"snapshot": "a", "attempt": 4},
                   "restore": {"snapshot": "b"}}})"};
  for (const std::string& text : texts)
    EXPECT_EQ(outcome(walk_vm(reader, text)),
              outcome(api::decode_vm(json::parse(text))))
        << text;
}

TEST(JsonValue, WhatIsNoObjectIsCorrupt) {
  JsonReader reader;
  for (const char* text : {"", "[]", "1", "\"a\"", "{", "nonsense"}) {
    const auto vm = walk_vm(reader, text);
    ASSERT_FALSE(vm) << text;
  }
  EXPECT_EQ(walk_vm(reader, "[]").error().code, Code::kCorrupt);
}

TEST(JsonValue, BrokenTextInsideIsAFaultAndNeverHalfAnObject) {
  JsonReader reader;
  for (const char* text :
       {R"({"spec": {"nodeName": "a", "powerState": "Run)",
        R"({"spec": {"nodeName": "\q"}})", R"({"spec": {"nodeName": tru}})",
        R"({"spec": {"nodeName" "a"}})", R"({"spec": {"windows": truth}})",
        R"({"metadata": {"finalizers": ["a" "b"]}})"})
    EXPECT_FALSE(walk_vm(reader, text)) << text;
}

}  // namespace
}  // namespace chrysalis::kube
