#include "src/model/law.h"

namespace chrysalis::model {
namespace {

std::string str(std::string_view s) { return std::string(s); }

// "spec.resources.cpu" of "resources.cpu".
std::string spec_path(std::string_view path) { return "spec." + str(path); }

template <class T>
void check_range(const Row<T>& row, const T& value, bool firecracker,
                 auto&& add) {
  const auto path = row.path;
  if (row.power_of_two) {
    if constexpr (std::is_same_v<T, uint32_t>) {
      if (!is_power_of_two(value) || value < *row.min || value > *row.max)
        add(text::power_of_two(path, show(*row.min), show(*row.max)));
    }
    return;
  }
  if (row.min && (value < *row.min || value > *row.max)) {
    add(text::out_of_range(path, show(*row.min), show(*row.max)));
    return;
  }
  if (firecracker && row.firecracker_max && value > *row.firecracker_max)
    add(text::firecracker_max(path, show(*row.firecracker_max)));
  if constexpr (std::is_same_v<T, Bytes>) {
    if (row.whole_mib && value.count % (1_MiB).count != 0)
      add(text::whole_mib(path));
  }
}

}  // namespace

std::string join(std::span<const Fault> faults) {
  std::string out;
  for (const Fault& fault : faults) {
    if (!out.empty()) out += "; ";
    if (!fault.path.empty()) out += fault.path + ": ";
    out += fault.message;
  }
  return out;
}

std::string fill(std::string_view text, std::span<const std::string> values) {
  std::string out;
  size_t next = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at, 2) == "%s" && next < values.size()) {
      out += values[next++];
      ++at;
    } else {
      out += text[at];
    }
  }
  return out;
}

std::string show(uint32_t value) { return std::to_string(value); }
std::string show(Bytes value) { return format_quantity(value); }
std::string show(bool value) { return value ? "true" : "false"; }
std::string show(Hypervisor value) { return str(to_string(value)); }
std::string show(const std::string& value) { return value; }

namespace text {

std::string clone_refused(std::string_view path) {
  const std::string name = str(leaf(path));
  return name + " %s: a clone inherits " + name +
         " from its snapshot; remove spec." + str(path);
}
std::string restore_refused(std::string_view path) {
  const std::string name = str(leaf(path));
  return name + " %s: a restore takes " + name +
         " from the snapshot; remove spec." + str(path) +
         " until the restore is done";
}
std::string restore_refused_equal(std::string_view path) {
  const std::string name = str(leaf(path));
  return name + " %s: a restore keeps the VM's " + name +
         ", whose number must equal the snapshot's; remove spec." + str(path) +
         " until the restore is done";
}
std::string not_equal_to_snapshot(std::string_view path) {
  return str(leaf(path)) + " %s: the snapshot has %s; remove spec." +
         str(path) + " or make it equal";
}
std::string fixed_at_creation(std::string_view path) {
  return str(leaf(path)) + " %s: fixed at creation (was %s); " +
         "create another VirtualMachine";
}
std::string firecracker_lacks(std::string_view path, std::string_view instead) {
  const std::string name = str(leaf(path));
  return name + " %s: Firecracker has no " + name + " (it is always " +
         str(instead) + "); remove spec." + str(path);
}
std::string firecracker_max(std::string_view path, std::string_view max) {
  return str(leaf(path)) + " %s: Firecracker runs at most " + str(max);
}
std::string out_of_range(std::string_view path, std::string_view min,
                         std::string_view max) {
  return str(leaf(path)) + " %s: must be from " + str(min) + " to " + str(max);
}
std::string power_of_two(std::string_view path, std::string_view min,
                         std::string_view max) {
  return str(leaf(path)) + " %s: must be a power of two from " + str(min) +
         " to " + str(max);
}
std::string whole_mib(std::string_view path) {
  return str(leaf(path)) + " %s: must be whole MiB, as in 512Mi or 2Gi";
}

}  // namespace text

std::vector<Fault> validate(const VmConfig& config,
                            std::string_view message_prefix) {
  std::vector<Fault> faults;
  const bool firecracker = config.hypervisor == Hypervisor::kFirecracker;
  for_each_field([&](const auto& row, auto at) {
    using T = RowValue<decltype(row)>;
    const T& value = at(config);
    const auto add = [&](const std::string& text) {
      const std::string shown[] = {show(value)};
      faults.push_back({spec_path(row.path.empty() ? row.key : row.path),
                        str(message_prefix) + fill(text, shown)});
    };
    if constexpr (std::is_same_v<T, std::string>) {
      if (value.size() > row.max_length)
        add(str(row.key) + " %s: at most " + std::to_string(row.max_length) +
            " characters");
    } else {
      if constexpr (std::is_same_v<T, uint32_t> || std::is_same_v<T, Bytes>)
        check_range(row, value, firecracker, add);
      if (firecracker && row.on_firecracker && value != *row.on_firecracker)
        add(text::firecracker_lacks(row.path, show(*row.on_firecracker)));
    }
  });
  return faults;
}

}  // namespace chrysalis::model
