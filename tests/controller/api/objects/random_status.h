#pragma once

// Random objects of the two kinds that the schema allows: members are there or
// not, lists have several entries, texts have what must be escaped.
// Thread-safety: values.

#include <random>
#include <string>

#include "controller/api/objects/conditions.h"
#include "controller/api/objects/reasons.h"
#include "controller/api/objects/virtual_machine.h"
#include "controller/api/objects/vm_snapshot.h"

namespace chrysalis::api {

class RandomObjects {
 public:
  explicit RandomObjects(uint64_t seed) : random_(seed) {}

  VirtualMachine vm();
  VmSnapshot snapshot();

 private:
  uint64_t upto(uint64_t most) {
    return std::uniform_int_distribution<uint64_t>(0, most)(random_);
  }
  bool coin() { return upto(1) == 1; }
  template <class T, size_t N>
  T one_of(const T (&values)[N]) {
    return values[upto(N - 1)];
  }
  std::string text();
  std::string name();
  std::string digest();
  Wall time() {
    return Wall(seconds(static_cast<int64_t>(upto(4'000'000'000))));
  }

  Meta meta();
  VmSpec vm_spec();
  VmStatus vm_status();
  SnapshotSpec snapshot_spec();
  SnapshotStatus snapshot_status();
  std::vector<Condition> conditions();
  model::VmConfig config();
  RestoreStatus restore();

  std::mt19937_64 random_;
};

}  // namespace chrysalis::api
