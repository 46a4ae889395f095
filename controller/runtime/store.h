#pragma once

// The cache of one kind with its type: what store_core.h says, where an
// object is a shared_ptr<const T>.
// Thread-safety and ownership: as StoreCore.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/runtime/store_core.h"

namespace chrysalis::runtime {

template <class T>
class Store {
 public:
  using Object = std::shared_ptr<const T>;

  // Nothing when the key is not held.
  [[nodiscard]] Object get(const ObjectKey& key) const {
    return std::static_pointer_cast<const T>(core_.get(key));
  }
  [[nodiscard]] std::vector<Object> list() const { return typed(core_.list()); }
  [[nodiscard]] std::vector<Object> find(std::string_view index,
                                         std::string_view value) const {
    return typed(core_.find(index, value));
  }

  // `values_of` is a total function: under which values an object is found.
  template <class ValuesOf>
  void add_index(std::string name, ValuesOf values_of) {
    core_.add_index(std::move(name),
                    [f = std::move(values_of)](const void* object) {
                      return f(*static_cast<const T*>(object));
                    });
  }

  // Everything that needs no type: keys, version, gate, handlers, writing.
  [[nodiscard]] StoreCore& core() { return core_; }
  [[nodiscard]] const StoreCore& core() const { return core_; }

 private:
  static std::vector<Object> typed(std::vector<StoreCore::Object> objects) {
    std::vector<Object> out;
    out.reserve(objects.size());
    for (auto& object : objects) {
      out.push_back(std::static_pointer_cast<const T>(std::move(object)));
    }
    return out;
  }

  StoreCore core_;
};

}  // namespace chrysalis::runtime
