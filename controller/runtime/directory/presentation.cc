#include "controller/runtime/directory/presentation.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "controller/api/objects/codec.h"
#include "controller/runtime/directory/manifest_document.h"

namespace chrysalis::runtime::directory {
namespace {

api::Meta meta_of(const store::IdentityRow& row, const Here& here) {
  api::Meta meta;
  meta.ns = row.ns;
  meta.name = row.name;
  meta.uid = row.uid;
  meta.generation = row.generation;
  meta.created_at = row.created_at;
  meta.deleted_at = row.deleted_at;
  meta.finalizers = {here.finalizer};
  return meta;
}

nlohmann::json asked(const store::IdentityRow& row, api::Kind kind) {
  return object_of({kind, row.ns, row.name}, row.spec);
}

}  // namespace

Result<api::VirtualMachine> present_vm(const store::IdentityRow& row,
                                       Shown shown, const Here& here) {
  auto vm = api::decode_vm(asked(row, api::Kind::kVirtualMachine));
  if (!vm) {
    if (shown != Shown::kDeleting) return vm;
    vm = api::VirtualMachine{};
  }
  vm->meta = meta_of(row, here);
  vm->status = {};
  vm->status.node_name = here.node;
  if (shown == Shown::kStopped) vm->spec.power = model::PowerState::kStopped;
  return vm;
}

Result<api::VmSnapshot> present_snapshot(const store::IdentityRow& row,
                                         Shown shown, const Here& here) {
  auto snapshot = api::decode_snapshot(asked(row, api::Kind::kVmSnapshot));
  if (!snapshot) {
    if (shown != Shown::kDeleting) return snapshot;
    snapshot = api::VmSnapshot{};
    snapshot->spec.deletion_policy = api::DeletionPolicy::kRetain;
  }
  snapshot->meta = meta_of(row, here);
  snapshot->status = {};
  snapshot->status.node_name = here.node;
  return snapshot;
}

}  // namespace chrysalis::runtime::directory
