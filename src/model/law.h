#pragma once

// What the rows of the field table say, in words and as checks. One text a
// refusal: the published rules, the admission verdicts, the offline check and
// the node's last guard all take it from here.
//
// A text is a template: %s stands for a value, in order. It never names its
// own path; whoever reports it puts the path in front.
// PURE. Thread-safety: values.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/model/fields.h"

namespace chrysalis::model {

// One thing wrong with a request: where, and what to do about it.
struct Fault {
  std::string path;  // "spec.resources.cpu"
  std::string message;

  friend bool operator==(const Fault&, const Fault&) = default;
};

// "path: message; path: message", for a condition or an error.
std::string join(std::span<const Fault> faults);

// Fills the %s of a template, in order. Too few values leave the %s visible.
std::string fill(std::string_view text, std::span<const std::string> values);

// How a value is written in messages and in status.
std::string show(uint32_t value);
std::string show(Bytes value);
std::string show(bool value);
std::string show(Hypervisor value);
std::string show(const std::string& value);

namespace text {

// Pieces that need no row type, so that rows of every type share the words.
std::string clone_refused(std::string_view path);
std::string restore_refused(std::string_view path);
std::string restore_refused_equal(std::string_view path);
std::string not_equal_to_snapshot(std::string_view path);
std::string fixed_at_creation(std::string_view path);
std::string firecracker_lacks(std::string_view path, std::string_view instead);
std::string firecracker_max(std::string_view path, std::string_view max);
std::string out_of_range(std::string_view path, std::string_view min,
                         std::string_view max);
std::string power_of_two(std::string_view path, std::string_view min,
                         std::string_view max);
std::string whole_mib(std::string_view path);
inline constexpr std::string_view kNicCountMismatch =
    "nic count mismatch: vm has %s, snapshot has %s";

// The words for setting a refused field on a clone or beside a restore.
template <class R>
std::string refused_on_clone(const R& row) {
  return clone_refused(row.path);
}
template <class R>
std::string refused_on_restore(const R& row) {
  return row.restore == Restore::kRefusedEqual ? restore_refused_equal(row.path)
                                               : restore_refused(row.path);
}

}  // namespace text

// May this field be named in the spec at all, beside a restore?
template <class R>
constexpr bool refused_beside_restore(const R& row) {
  return !row.path.empty() && (row.restore == Restore::kRefused ||
                               row.restore == Restore::kRefusedEqual);
}
template <class R>
constexpr bool refused_on_clone(const R& row) {
  return !row.path.empty() && row.clone == Clone::kRefused;
}

constexpr bool is_power_of_two(uint32_t n) { return n && !(n & (n - 1)); }

// Every bound of every row, for a whole configuration: what a spec must obey
// and what a snapshot's metadata must obey too (prefix "snapshot config: ").
std::vector<Fault> validate(const VmConfig& config,
                            std::string_view message_prefix = "");

}  // namespace chrysalis::model
