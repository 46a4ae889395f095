#include "controller/runtime/directory/identity.h"

#include <utility>

namespace chrysalis::runtime::directory {

store::IdentityRow first_identity(const ObjectId& id, std::string uid,
                                  const Accepted& accepted, Wall now) {
  store::IdentityRow row;
  row.kind = std::string(api::names_of(id.kind).kind);
  row.ns = id.ns;
  row.name = id.name;
  row.uid = std::move(uid);
  row.created_at = now;
  return with_manifest(std::move(row), accepted);
}

store::IdentityRow with_manifest(store::IdentityRow row,
                                 const Accepted& accepted) {
  const bool was_removed = row.manifest.empty();
  if (was_removed || row.spec_digest != accepted.digest) ++row.generation;
  row.manifest = accepted.file;
  row.spec = accepted.spec;
  row.spec_digest = accepted.digest;
  return row;
}

store::IdentityRow without_manifest(store::IdentityRow row) {
  if (!row.manifest.empty()) ++row.generation;
  row.manifest.clear();
  return row;
}

store::IdentityRow deleting(store::IdentityRow row, Wall now) {
  if (row.deleted_at) return row;
  row.deleted_at = now;
  ++row.generation;
  return row;
}

bool id_of(const store::IdentityRow& row, ObjectId& id) {
  for (const api::Kind kind : api::kKinds) {
    if (api::names_of(kind).kind != row.kind) continue;
    id = {kind, row.ns, row.name};
    return true;
  }
  return false;
}

Shown shown_as(const store::IdentityRow& row, const NodeData& data) {
  if (row.deleted_at) return Shown::kDeleting;
  if (!row.manifest.empty()) return Shown::kAsAsked;
  if (row.kind == api::names_of(api::Kind::kVirtualMachine).kind)
    return data.any ? Shown::kStopped : Shown::kHidden;
  return data.published ? Shown::kAsAsked : Shown::kHidden;
}

}  // namespace chrysalis::runtime::directory
