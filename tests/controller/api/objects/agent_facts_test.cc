#include "controller/api/objects/agent_facts.h"

#include <gtest/gtest.h>

namespace chrysalis::api {
namespace {

using model::Hypervisor;

AgentFacts facts() {
  return {.memory = model::Bytes{uint64_t{15} << 30},
          .cpus = 8,
          .programs = {{Hypervisor::kCloudHypervisor, "v48.0", ""},
                       {Hypervisor::kFirecracker, "v1.13.1", "TooOld"}}};
}

TEST(AgentFacts, AreAnnotationsThatAPersonCanRead) {
  const Annotations expected = {
      {"chrysalis.dev/memory", "15Gi"},
      {"chrysalis.dev/cpu", "8"},
      {"chrysalis.dev/cloud-hypervisor", "v48.0"},
      {"chrysalis.dev/firecracker", "v1.13.1"},
      {"chrysalis.dev/firecracker-no-snapshot", "TooOld"}};
  EXPECT_EQ(encode_agent_facts(facts()), expected);
}

TEST(AgentFacts, ComeBackAsTheyWere) {
  for (const AgentFacts& one : {facts(), AgentFacts{}}) {
    const auto back = decode_agent_facts(encode_agent_facts(one));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, one);
  }
}

TEST(AgentFacts, KeysOfOthersAndOfLaterVersionsAreIgnored) {
  Annotations annotations = encode_agent_facts(facts());
  annotations.emplace("example.com/cpu", "many");
  annotations.emplace("chrysalis.dev/later", "?");
  const auto back = decode_agent_facts(annotations);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, facts());
}

TEST(AgentFacts, AnAgentThatSaysNonsenseIsRefusedByKey) {
  for (const char* key : {"chrysalis.dev/memory", "chrysalis.dev/cpu"}) {
    for (const char* value : {"", "-1", "1.5x", "99999999999999999999"}) {
      Annotations annotations = encode_agent_facts(facts());
      annotations[key] = value;
      const auto refused = decode_agent_facts(annotations);
      ASSERT_FALSE(refused) << key << "=" << value;
      EXPECT_EQ(refused.error().code, Code::kInvalid);
      EXPECT_TRUE(refused.error().message.starts_with(key));
      annotations.erase(key);
      EXPECT_FALSE(decode_agent_facts(annotations));
    }
  }
}

}  // namespace
}  // namespace chrysalis::api
