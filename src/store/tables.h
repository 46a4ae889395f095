#pragma once

// Which record lives in which table under which key, and the mirror of all
// tables in memory. Internal to src/store.

#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "src/base/result.h"
#include "src/store/records.h"

namespace chrysalis::store {

// A key is text columns, with at most one number, the last (so that a map
// orders rows as a reader expects).
struct Key {
  std::vector<std::string> text;
  uint64_t number = 0;
  friend auto operator<=>(const Key&, const Key&) = default;
};

template <class T>
struct Table;

template <>
struct Table<VmRecord> {
  static constexpr std::string_view kName = "vm";
  static constexpr std::array<std::string_view, 1> kText{"uid"};
  static constexpr std::string_view kNumber = "";
  static Key key(const VmRecord& r) { return {{r.uid}}; }
};
template <>
struct Table<SnapshotRecord> {
  static constexpr std::string_view kName = "snapshot";
  static constexpr std::array<std::string_view, 1> kText{"uid"};
  static constexpr std::string_view kNumber = "";
  static Key key(const SnapshotRecord& r) { return {{r.uid}}; }
};
template <>
struct Table<OperationRow> {
  static constexpr std::string_view kName = "operation";
  static constexpr std::array<std::string_view, 1> kText{"uid"};
  static constexpr std::string_view kNumber = "seq";
  static Key key(const OperationRow& r) { return {{r.uid}, r.seq}; }
};
template <>
struct Table<ProcessRow> {
  static constexpr std::string_view kName = "process";
  static constexpr std::array<std::string_view, 1> kText{"vm_uid"};
  static constexpr std::string_view kNumber = "generation";
  static Key key(const ProcessRow& r) { return {{r.vm_uid}, r.generation}; }
};
template <>
struct Table<HoldRow> {
  static constexpr std::string_view kName = "hold";
  static constexpr std::array<std::string_view, 2> kText{"snapshot_uid",
                                                         "holder"};
  static constexpr std::string_view kNumber = "";
  static Key key(const HoldRow& r) { return {{r.snapshot_uid, r.holder}}; }
};
template <>
struct Table<IdentityRow> {
  static constexpr std::string_view kName = "identity";
  static constexpr std::array<std::string_view, 3> kText{"kind", "namespace",
                                                         "name"};
  static constexpr std::string_view kNumber = "";
  static Key key(const IdentityRow& r) { return {{r.kind, r.ns, r.name}}; }
};
template <>
struct Table<VerifiedRow> {
  static constexpr std::string_view kName = "verified";
  static constexpr std::array<std::string_view, 1> kText{"snapshot_uid"};
  static constexpr std::string_view kNumber = "";
  static Key key(const VerifiedRow& r) { return {{r.snapshot_uid}}; }
};

// The columns of the key, in order: {"uid", "seq"}.
template <class T>
std::vector<std::string> key_columns() {
  std::vector<std::string> out(Table<T>::kText.begin(), Table<T>::kText.end());
  if (!Table<T>::kNumber.empty()) out.emplace_back(Table<T>::kNumber);
  return out;
}

template <class T>
using Rows = std::map<Key, std::shared_ptr<const T>>;

template <template <class> class Of>
using OfEachTable =
    std::tuple<Of<VmRecord>, Of<SnapshotRecord>, Of<OperationRow>,
               Of<ProcessRow>, Of<HoldRow>, Of<IdentityRow>, Of<VerifiedRow>>;

using Mirror = OfEachTable<Rows>;

template <class T>
Rows<T>& rows(Mirror& mirror) {
  return std::get<Rows<T>>(mirror);
}
template <class T>
const Rows<T>& rows(const Mirror& mirror) {
  return std::get<Rows<T>>(mirror);
}

// Calls v(row) for those whose first key column is `first`, in order.
template <class T, class Visitor>
void for_each_of(const Rows<T>& all, std::string_view first, Visitor&& v) {
  for (auto it = all.lower_bound(Key{{std::string(first)}});
       it != all.end() && it->first.text.front() == first; ++it)
    v(it->second);
}

// Null when there is none.
template <class T>
std::shared_ptr<const T> find_row(const Rows<T>& all, const Key& key) {
  const auto found = all.find(key);
  return found == all.end() ? nullptr : found->second;
}

}  // namespace chrysalis::store
