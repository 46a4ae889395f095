#include "controller/runtime/directory/judge.h"

#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "controller/api/objects/codec.h"
#include "controller/runtime/directory/identity.h"

namespace chrysalis::runtime::directory {
namespace {

std::optional<std::string> other_node(const std::string& path,
                                      const std::string& asked,
                                      const JudgeFacts& facts) {
  if (asked.empty() || asked == facts.node_name) return std::nullopt;
  return path + ": " + asked + " is another node; this one is " +
         facts.node_name;
}

// What no rule can say: it is for this node, and this version reads it.
std::optional<std::string> unreadable(const Document& document,
                                      const JudgeFacts& facts) {
  const auto object = object_of(document.id, document.spec);
  if (document.id.kind == api::Kind::kVirtualMachine) {
    const auto vm = api::decode_vm(object);
    if (!vm) return vm.error().message;
    return other_node("spec.nodeName", vm->spec.node_name, facts);
  }
  const auto snapshot = api::decode_snapshot(object);
  if (!snapshot) return snapshot.error().message;
  const auto& directory = snapshot->spec.directory;
  return other_node("spec.source.directory.nodeName",
                    directory ? directory->node_name : "", facts);
}

std::optional<std::string> refusal_of(const Document& document,
                                      const store::IdentityRow* known,
                                      const JudgeFacts& facts) {
  if (!document.refused.empty()) return model::join(document.refused);
  if (known != nullptr && known->deleted_at)
    return "it is being deleted; this manifest counts when that is done";
  if (known != nullptr && !known->spec.empty()) {
    const auto faults =
        facts.rules.change(document.id, known->spec, document.spec);
    if (!faults.empty()) return model::join(faults);
  }
  return unreadable(document, facts);
}

}  // namespace

Judged judge(const Decision& decision, const JudgeFacts& facts) {
  Judged out;
  for (const auto* placed_list : {&decision.added, &decision.updated})
    for (const auto& [file, document] : *placed_list) {
      const auto known = facts.known(document.id);
      if (auto why = refusal_of(document, known.get(), facts)) {
        out.refused[document.id] = {file, document.line, std::move(*why)};
        continue;
      }
      const Accepted accepted{file, document.spec, document.digest};
      out.rows.push_back(known ? with_manifest(*known, accepted)
                               : first_identity(document.id, facts.new_uid(),
                                                accepted, facts.now));
    }
  for (const ObjectId& id : decision.removed)
    if (const auto known = facts.known(id))
      out.rows.push_back(without_manifest(*known));
  return out;
}

}  // namespace chrysalis::runtime::directory
