#include "src/model/topology_difference.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "src/model/law.h"

namespace chrysalis::model {
namespace {

std::string as_text(uint64_t value) { return std::to_string(value); }
std::string as_text(Bytes value) { return std::to_string(value.count); }
std::string as_text(std::string_view value) { return std::string(value); }
std::string as_text(bool value) { return value ? "true" : "false"; }
std::string as_text(DiskRole value) {
  return value == DiskRole::kRoot ? "root" : "data";
}

// The first that was met stays.
class Difference {
 public:
  explicit Difference(std::string_view words) : words_(words) {}

  template <class T>
  void compare(const std::string& field, const T& saved, const T& loaded) {
    if (saved == loaded || found_) return;
    const std::string shown[] = {as_text(saved), as_text(loaded)};
    found_ = field + ": " + fill(words_, shown);
  }
  // Zero: that side does not say.
  template <class T>
  void compare_if_said(const std::string& field, T saved, T loaded) {
    if (saved != T{} && loaded != T{}) compare(field, saved, loaded);
  }
  // Each of the one side has its like on the other.
  template <class Device, class Each>
  void compare_by_id(const std::string& list, const std::vector<Device>& saved,
                     const std::vector<Device>& loaded, Each&& each) {
    compare(list, uint64_t{saved.size()}, uint64_t{loaded.size()});
    for (const Device& want : saved) {
      const std::string name = list + "[" + want.id + "]";
      const auto got = std::ranges::find(loaded, want.id, &Device::id);
      if (got != loaded.end())
        each(name, want, *got);
      else
        compare(name, std::string("one of that id"), std::string("none"));
    }
  }

  std::optional<std::string> take() { return std::move(found_); }

 private:
  std::string_view words_;
  std::optional<std::string> found_;
};

}  // namespace

std::optional<std::string> first_difference(const Topology& saved,
                                            const Topology& loaded,
                                            std::string_view words) {
  Difference out(words);
  out.compare("cpu", uint64_t{saved.cpu}, uint64_t{loaded.cpu});
  out.compare("memory", saved.memory, loaded.memory);
  out.compare_if_said("maxPhysBits", uint64_t{saved.max_phys_bits},
                      uint64_t{loaded.max_phys_bits});
  out.compare_by_id(
      "disks", saved.disks, loaded.disks,
      [&](const std::string& name, const auto& want, const auto& got) {
        out.compare(name + ".role", want.role, got.role);
        out.compare_if_said(name + ".bytes", want.bytes, got.bytes);
        out.compare_if_said(name + ".queueSize", uint64_t{want.queue_size},
                            uint64_t{got.queue_size});
        out.compare(name + ".readOnly", want.read_only, got.read_only);
      });
  out.compare_by_id(
      "nics", saved.nics, loaded.nics,
      [&](const std::string& name, const auto& want, const auto& got) {
        out.compare(name + ".mac", want.mac, got.mac);
        out.compare_if_said(name + ".mtu", uint64_t{want.mtu},
                            uint64_t{got.mtu});
        out.compare_if_said(name + ".queueSize", uint64_t{want.queue_size},
                            uint64_t{got.queue_size});
      });
  return out.take();
}

}  // namespace chrysalis::model
