#include "controller/api/objects/agent_facts.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace chrysalis::api {
namespace {

constexpr std::string_view kNoSnapshot = "-no-snapshot";

std::string key(std::string_view name) {
  return std::string(kAnnotationPrefix).append(name);
}

constexpr std::string_view key_of(model::Hypervisor kind) {
  switch (kind) {
    case model::Hypervisor::kCloudHypervisor:
      return "cloud-hypervisor";
    case model::Hypervisor::kFirecracker:
      return "firecracker";
  }
  return "";
}

const std::string* find(const Annotations& annotations,
                        const std::string& name) {
  const auto found = annotations.find(name);
  return found == annotations.end() ? nullptr : &found->second;
}

std::optional<uint32_t> parse_count(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

}  // namespace

Annotations encode_agent_facts(const AgentFacts& facts) {
  Annotations out;
  out.emplace(key("memory"), model::format_quantity(facts.memory));
  out.emplace(key("cpu"), std::to_string(facts.cpus));
  for (const AgentProgram& program : facts.programs) {
    const std::string name = key(key_of(program.kind));
    if (!out.emplace(name, program.version).second) continue;
    if (!program.no_snapshot.empty())
      out.emplace(name + std::string(kNoSnapshot), program.no_snapshot);
  }
  return out;
}

Result<AgentFacts> decode_agent_facts(const Annotations& annotations) {
  AgentFacts out;
  const std::string* memory = find(annotations, key("memory"));
  const auto bytes = memory ? model::parse_quantity(*memory) : std::nullopt;
  if (!bytes) return fail(Code::kInvalid, key("memory") + ": not a quantity");
  out.memory = *bytes;
  const std::string* cpus = find(annotations, key("cpu"));
  const auto count = cpus ? parse_count(*cpus) : std::nullopt;
  if (!count) return fail(Code::kInvalid, key("cpu") + ": not a number");
  out.cpus = *count;
  for (const model::Hypervisor kind : model::kHypervisors) {
    const std::string name = key(key_of(kind));
    const std::string* version = find(annotations, name);
    if (version == nullptr) continue;
    const std::string* reason =
        find(annotations, name + std::string(kNoSnapshot));
    out.programs.push_back({kind, *version, reason ? *reason : ""});
  }
  return out;
}

}  // namespace chrysalis::api
