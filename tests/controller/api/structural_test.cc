#include "controller/api/structural.h"

#include <gtest/gtest.h>

#include "tests/controller/api/objects.h"

namespace chrysalis::api {
namespace {

std::string faults_of(const char* spec) {
  return model::join(
      check_structure(object_schema(Kind::kVirtualMachine),
                      object_of(Kind::kVirtualMachine, "x", spec)));
}

#define SOURCE "\"source\":{\"image\":{\"name\":\"i\"}}"

TEST(Structure, DefaultsFillOnlyObjectsThatAreThere) {
  auto vm = defaulted(Kind::kVirtualMachine, "x", "{" SOURCE "}");
  EXPECT_EQ(vm["spec"]["powerState"], "Running");
  EXPECT_EQ(vm["spec"]["stopGracePeriodSeconds"], 30);
  EXPECT_FALSE(vm["spec"].contains("restore"));
  EXPECT_FALSE(vm["spec"].contains("resources"));
  vm = defaulted(Kind::kVirtualMachine, "x",
                 "{" SOURCE R"(,"restore":{"snapshot":"s"}})");
  EXPECT_EQ(vm["spec"]["restore"]["attempt"], 1);
}

TEST(Structure, NamesUnknownFieldsTypesAndBoundsInTheServersWords) {
  EXPECT_EQ(faults_of("{" SOURCE R"(,"foo":1})"),
            "spec.foo: unknown field \"spec.foo\"");
  EXPECT_EQ(faults_of("{" SOURCE R"(,"resources":{"cpu":"two"}})"),
            "spec.resources.cpu: Invalid value: \"string\": "
            "spec.resources.cpu in body must be of type integer: \"string\"");
  EXPECT_EQ(faults_of("{" SOURCE R"(,"resources":{"cpu":-1}})"),
            "spec.resources.cpu: Invalid value: -1: spec.resources.cpu in "
            "body should be greater than or equal to 1");
  EXPECT_EQ(faults_of("{" SOURCE R"(,"resources":{"cpu":255}})"),
            "spec.resources.cpu: Invalid value: 255: spec.resources.cpu in "
            "body should be less than or equal to 254");
  EXPECT_EQ(faults_of("{" SOURCE R"(,"powerState":"On"})"),
            "spec.powerState: Unsupported value: \"On\": supported values: "
            "\"Running\", \"Paused\", \"Stopped\"");
  EXPECT_EQ(faults_of("{}"), "spec.source: Required value");
}

TEST(Structure, CollectsEveryFault) {
  EXPECT_EQ(
      check_structure(object_schema(Kind::kVirtualMachine),
                      object_of(Kind::kVirtualMachine, "x",
                                R"({"a":1,"windows":"no","nodeName":"N"})"))
          .size(),
      4U);
}

TEST(Structure, ALiteralBeyondInt64IsOutOfRangeAndNoCrash) {
  EXPECT_NE(
      faults_of("{" SOURCE R"(,"resources":{"cpu":18446744073709551615}})"),
      "");
  EXPECT_NE(faults_of("{" SOURCE R"(,"resources":{"cpu":1e300}})"), "");
}

TEST(Structure, LongTextsAreNotMatchedAgainstAPattern) {
  const std::string name(100000, 'a');
  const auto spec = R"({"source":{"image":{"name":")" + name + "\"}}}";
  EXPECT_EQ(faults_of(spec.c_str()),
            "spec.source.image.name: Too long: may not be more than 253 "
            "bytes");
}

TEST(Structure, DepthIsTheSchemasAsUnknownFieldsAreNotEntered) {
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "[";
  for (int i = 0; i < 200; ++i) deep += "]";
  EXPECT_EQ(faults_of(("{" SOURCE ",\"x\":" + deep + "}").c_str()),
            "spec.x: unknown field \"spec.x\"");
}

}  // namespace
}  // namespace chrysalis::api
