#include "controller/runtime/store_core.h"

#include <utility>

#include "controller/kube/resource_version.h"

namespace chrysalis::runtime {

void StoreStage::upsert(const ObjectKey& key, StoredObject object) {
  kept_.erase(key);
  const auto found = objects_.find(key);
  if (found != objects_.end() &&
      kube::is_older(object.resource_version, found->second.resource_version)) {
    return;
  }
  objects_[key] = std::move(object);
}

void StoreStage::remove(const ObjectKey& key) {
  kept_.erase(key);
  objects_.erase(key);
}

void StoreStage::keep(const ObjectKey& key) {
  if (!objects_.contains(key)) kept_.insert(key);
}

void StoreStage::clear() {
  objects_.clear();
  kept_.clear();
}

StoreCore::Object StoreCore::get(const ObjectKey& key) const {
  const std::shared_lock lock(data_mutex_);
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second.object;
}

std::vector<StoreCore::Object> StoreCore::list() const {
  const std::shared_lock lock(data_mutex_);
  std::vector<Object> out;
  out.reserve(objects_.size());
  for (const auto& [key, stored] : objects_) out.push_back(stored.object);
  return out;
}

std::vector<ObjectKey> StoreCore::keys() const {
  const std::shared_lock lock(data_mutex_);
  std::vector<ObjectKey> out;
  out.reserve(objects_.size());
  for (const auto& [key, stored] : objects_) out.push_back(key);
  return out;
}

size_t StoreCore::size() const {
  const std::shared_lock lock(data_mutex_);
  return objects_.size();
}

std::vector<ObjectKey> StoreCore::find_keys(std::string_view index,
                                            std::string_view value) const {
  const std::shared_lock lock(data_mutex_);
  const auto found = indexes_.find(index);
  if (found == indexes_.end()) return {};
  const auto keys = found->second.keys.find(std::string(value));
  if (keys == found->second.keys.end()) return {};
  return {keys->second.begin(), keys->second.end()};
}

std::vector<StoreCore::Object> StoreCore::find(std::string_view index,
                                               std::string_view value) const {
  const std::shared_lock lock(data_mutex_);
  std::vector<Object> out;
  const auto found = indexes_.find(index);
  if (found == indexes_.end()) return out;
  const auto keys = found->second.keys.find(std::string(value));
  if (keys == found->second.keys.end()) return out;
  for (const ObjectKey& key : keys->second) {
    out.push_back(objects_.at(key).object);
  }
  return out;
}

std::string StoreCore::version() const {
  const std::shared_lock lock(data_mutex_);
  return version_;
}

StoreCounts StoreCore::counts() const {
  const std::shared_lock lock(data_mutex_);
  return counts_;
}

void StoreCore::wrote(const ObjectKey& key, std::string_view version,
                      Mono now) {
  const std::lock_guard lock(data_mutex_);
  gate_.wrote(key, version, now);
}

std::optional<Mono> StoreCore::held_until(const ObjectKey& key, Mono now) {
  const std::lock_guard lock(data_mutex_);
  return gate_.held_until(key, now);
}

void StoreCore::add_index(std::string name, IndexFunction values_of) {
  const std::lock_guard writer(writer_mutex_);
  Index index{std::move(values_of), {}};
  const std::lock_guard lock(data_mutex_);
  for (const auto& [key, stored] : objects_) {
    for (std::string& value : index.values_of(stored.object.get())) {
      index.keys[std::move(value)].insert(key);
    }
  }
  indexes_.insert_or_assign(std::move(name), std::move(index));
}

uint64_t StoreCore::add_handler(Handler handler) {
  const std::lock_guard writer(writer_mutex_);
  const uint64_t id = next_handler_++;
  const auto shared = std::make_shared<const Handler>(std::move(handler));
  handlers_.emplace(id, shared);
  for (const ObjectKey& key : keys()) {
    if (!handlers_.contains(id)) break;  // removed itself
    call(*shared, {key, Change::kAdded, /*initial=*/true});
  }
  return id;
}

void StoreCore::remove_handler(uint64_t id) {
  const std::lock_guard writer(writer_mutex_);
  handlers_.erase(id);
}

void StoreCore::index_add(Indexes& indexes, const ObjectKey& key,
                          const StoredObject& object) {
  for (auto& [name, index] : indexes) {
    for (std::string& value : index.values_of(object.object.get())) {
      index.keys[std::move(value)].insert(key);
    }
  }
}

void StoreCore::index_remove(Indexes& indexes, const ObjectKey& key,
                             const StoredObject& object) {
  for (auto& [name, index] : indexes) {
    for (const std::string& value : index.values_of(object.object.get())) {
      const auto found = index.keys.find(value);
      if (found == index.keys.end()) continue;
      found->second.erase(key);
      if (found->second.empty()) index.keys.erase(found);
    }
  }
}

void StoreCore::upsert(const ObjectKey& key, StoredObject object,
                       bool modified) {
  const std::lock_guard writer(writer_mutex_);
  bool replaced = false;
  bool updated = false;
  {
    const std::lock_guard lock(data_mutex_);
    const auto found = objects_.find(key);
    if (found == objects_.end()) {
      if (modified) ++counts_.unknown_modified;
      index_add(indexes_, key, object);
      objects_.emplace(key, std::move(object));
    } else {
      StoredObject& held = found->second;
      if (kube::is_older(object.resource_version, held.resource_version)) {
        ++counts_.stale;
        return;
      }
      if (held.uid == object.uid &&
          held.resource_version == object.resource_version) {
        ++counts_.repeated;
        return;
      }
      (held.uid == object.uid ? updated : replaced) = true;
      index_remove(indexes_, key, held);
      index_add(indexes_, key, object);
      held = std::move(object);
    }
  }
  if (replaced) deliver({key, Change::kDeleted});
  deliver({key, updated ? Change::kUpdated : Change::kAdded});
}

void StoreCore::remove(const ObjectKey& key, std::string_view version) {
  const std::lock_guard writer(writer_mutex_);
  {
    const std::lock_guard lock(data_mutex_);
    const auto found = objects_.find(key);
    if (found == objects_.end()) {
      ++counts_.unknown_deleted;
      return;
    }
    if (kube::is_older(version, found->second.resource_version)) {
      ++counts_.stale;
      return;
    }
    index_remove(indexes_, key, found->second);
    objects_.erase(found);
  }
  deliver({key, Change::kDeleted});
}

StoreCore::Indexes StoreCore::build_indexes(
    const StoredObjects& objects) const {
  Indexes fresh;
  for (const auto& [name, index] : indexes_) {
    fresh.emplace(name, Index{index.values_of, {}});
  }
  for (const auto& [key, stored] : objects) index_add(fresh, key, stored);
  return fresh;
}

// Deletions first: whoever frees what another needs, frees it first.
std::vector<Delivery> StoreCore::diff(const StoredObjects& next) const {
  std::vector<Delivery> out;
  for (const auto& [key, held] : objects_) {
    const auto found = next.find(key);
    if (found == next.end() || found->second.uid != held.uid) {
      out.push_back({key, Change::kDeleted});
    }
  }
  for (const auto& [key, stored] : next) {
    const auto found = objects_.find(key);
    if (found == objects_.end() || found->second.uid != stored.uid) {
      out.push_back({key, Change::kAdded, !swapped_});
    } else if (found->second.resource_version != stored.resource_version) {
      out.push_back({key, Change::kUpdated});
    }
  }
  return out;
}

// Only this writer changes objects_ and indexes_, so both may be read here
// without the data lock, and readers wait for two moves only.
void StoreCore::swap(StoreStage stage, std::string_view version) {
  const std::lock_guard writer(writer_mutex_);
  StoredObjects next = std::move(stage.objects_);
  for (const ObjectKey& key : stage.kept_) {
    const auto found = objects_.find(key);
    if (found != objects_.end()) next.emplace(key, found->second);
  }
  const std::vector<Delivery> deliveries = diff(next);
  Indexes fresh = build_indexes(next);
  {
    const std::lock_guard lock(data_mutex_);
    objects_.swap(next);
    indexes_.swap(fresh);
    version_ = version;
  }
  swapped_ = true;
  for (const Delivery& delivery : deliveries) deliver(delivery);
  release(version);
}

void StoreCore::advance(std::string_view version) {
  const std::lock_guard writer(writer_mutex_);
  release(version);
}

void StoreCore::release(std::string_view version) {
  std::vector<ObjectKey> released;
  {
    const std::lock_guard lock(data_mutex_);
    version_ = version;
    released = gate_.advance(version);
  }
  for (const ObjectKey& key : released) deliver({key, Change::kReleased});
}

void StoreCore::deliver(const Delivery& delivery) {
  const auto handlers = handlers_;  // one may remove itself or another
  for (const auto& [id, handler] : handlers) {
    if (handlers_.contains(id)) call(*handler, delivery);
  }
}

void StoreCore::call(const Handler& handler, const Delivery& delivery) {
  try {
    handler(delivery);
  } catch (...) {
    const std::lock_guard lock(data_mutex_);
    ++counts_.handler_failures;
  }
}

}  // namespace chrysalis::runtime
