#include "controller/runtime/directory/orphan.h"

#include <string>
#include <vector>

namespace chrysalis::runtime::directory {
namespace {

template <class Record>
std::string uid_of(const std::vector<store::Shared<Record>>& records,
                   const ObjectId& id) {
  for (const auto& record : records)
    if (record->ns == id.ns && record->name == id.name) return record->uid;
  return {};
}

}  // namespace

std::optional<store::IdentityRow> orphan_of(const ObjectId& id,
                                            const store::NodeDb& db) {
  const bool is_vm = id.kind == api::Kind::kVirtualMachine;
  store::IdentityRow row;
  row.uid = is_vm ? uid_of(db.vms(), id) : uid_of(db.snapshots(), id);
  if (row.uid.empty()) return std::nullopt;
  row.kind = std::string(api::names_of(id.kind).kind);
  row.ns = id.ns;
  row.name = id.name;
  row.generation = 1;
  // Asked for by name: no policy of a lost manifest keeps it.
  if (!is_vm)
    row.spec = R"({"deletionPolicy":"Delete","source":{"virtualMachine":)"
               R"({"name":"unknown"}}})";
  return row;
}

}  // namespace chrysalis::runtime::directory
