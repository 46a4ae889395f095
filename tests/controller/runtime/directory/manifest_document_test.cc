#include "controller/runtime/directory/manifest_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace chrysalis::runtime::directory {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json a_vm() {
  return {{"apiVersion", "chrysalis.dev/v1alpha1"},
          {"kind", "VirtualMachine"},
          {"metadata", {{"name", "web"}}},
          {"spec", {{"source", {{"image", {{"name", "ubuntu"}}}}}}}};
}
class ManifestDocument : public ::testing::Test {
 protected:
  const Rulebook rules_;
};

TEST_F(ManifestDocument, FillsInNamespaceAndDefaults) {
  const auto read = rules_.read(a_vm(), 4);
  ASSERT_TRUE(read.document);
  EXPECT_FALSE(read.doubtful);
  EXPECT_EQ(read.said, "");
  EXPECT_EQ(to_string(read.document->id), "VirtualMachine default/web");
  EXPECT_EQ(read.document->line, 4u);
  EXPECT_THAT(read.document->refused, testing::IsEmpty());
  const auto spec = json::parse(read.document->spec);
  EXPECT_EQ(spec["powerState"], "Running");
  EXPECT_FALSE(spec.contains("resources"));
}

TEST_F(ManifestDocument, ItsStatusIsNotRead) {
  auto vm = a_vm();
  vm["status"] = {{"phase", 7}};
  EXPECT_THAT(rules_.read(vm, 1).document->refused, testing::IsEmpty());
}

TEST_F(ManifestDocument, SameSpecInAnotherOrderIsTheSameText) {
  auto one = a_vm(), two = a_vm();
  one["spec"]["queueSize"] = 256;
  one["spec"]["windows"] = false;
  two["spec"] = json::parse(R"({"windows":false,"queueSize":256,
      "source":{"image":{"name":"ubuntu"}}})");
  EXPECT_EQ(rules_.read(one, 1).document->spec,
            rules_.read(two, 1).document->spec);
}

TEST_F(ManifestDocument, RefusesInTheWordsOfTheApi) {
  auto vm = a_vm();
  vm["spec"]["queueSise"] = 1;
  vm["spec"]["resources"]["cpu"] = "two";
  auto read = rules_.read(vm, 1);
  ASSERT_TRUE(read.document);
  EXPECT_THAT(model::join(read.document->refused),
              HasSubstr("unknown field \"spec.queueSise\""));
  EXPECT_THAT(model::join(read.document->refused),
              HasSubstr("spec.resources.cpu"));

  vm = a_vm();
  vm["spec"]["source"] = {{"snapshot", {{"name", "base"}}}};
  vm["spec"]["resources"] = {{"cpu", 4}};
  EXPECT_THAT(model::join(rules_.read(vm, 1).document->refused),
              HasSubstr("spec.resources.cpu"));

  vm = a_vm();
  vm["metadata"]["name"] = "Web_1";
  EXPECT_THAT(model::join(rules_.read(vm, 1).document->refused),
              HasSubstr("must be a DNS label"));
  vm = a_vm();
  vm["metadata"]["namespace"] = "../x";
  EXPECT_THAT(model::join(rules_.read(vm, 1).document->refused),
              HasSubstr("metadata.namespace: namespace \"../x\""));
}

TEST_F(ManifestDocument, WhatNobodyCanNameIsDoubtful) {
  auto without = [](const char* key) {
    auto vm = a_vm();
    vm.erase(key);
    return vm;
  };
  auto with = [](const char* pointer, json value) {
    auto vm = a_vm();
    vm[json::json_pointer(pointer)] = std::move(value);
    return vm;
  };
  const json cases[] = {json(7),
                        json::array(),
                        without("apiVersion"),
                        without("kind"),
                        without("metadata"),
                        with("/metadata", "web"),
                        with("/metadata/name", 7),
                        with("/metadata/name", ""),
                        with("/metadata/name", std::string(254, 'a')),
                        with("/metadata/namespace", 7),
                        with("/metadata/namespace", std::string(254, 'a')),
                        with("/kind", "VirtualMachin"),
                        with("/apiVersion", "chrysalis.dev/v1")};
  for (const json& value : cases) {
    SCOPED_TRACE(value.dump());
    const auto read = rules_.read(value, 1);
    EXPECT_FALSE(read.document);
    EXPECT_TRUE(read.doubtful);
    EXPECT_NE(read.said, "");
  }
}

TEST_F(ManifestDocument, AnotherGroupIsSkippedAndSaid) {
  const auto read = rules_.read({{"apiVersion", "v1"}, {"kind", "Secret"}}, 1);
  EXPECT_FALSE(read.document);
  EXPECT_FALSE(read.doubtful);
  EXPECT_THAT(read.said,
              HasSubstr("\"Secret\" of \"v1\": not of chrysalis.dev, skipped"));
}

TEST_F(ManifestDocument, JudgesAChangeAgainstWhatWasAccepted) {
  auto other = a_vm(), stopped = a_vm();
  other["spec"]["source"]["image"]["name"] = "debian";
  stopped["spec"]["powerState"] = "Stopped";
  const auto accepted = *rules_.read(a_vm(), 1).document;
  const auto faults = rules_.change(accepted.id, accepted.spec,
                                    rules_.read(other, 1).document->spec);
  EXPECT_THAT(model::join(faults), HasSubstr("spec.source"));
  EXPECT_THAT(rules_.change(accepted.id, accepted.spec,
                            rules_.read(stopped, 1).document->spec),
              testing::IsEmpty());
}

}  // namespace
}  // namespace chrysalis::runtime::directory
