#pragma once

// rtnetlink in the caller's network namespace: links, ingress qdiscs and the
// redirect filter (u32 that matches all + mirred: cls_matchall is not in every
// kernel). One request, one acknowledgement.
// Thread-safety: one thread at a time.
// Errors: kConflict - EEXIST; kNotFound - ENODEV, ENOENT; kUnsupported -
//         EPERM, EOPNOTSUPP; else as from_errno.

#include <cstdint>
#include <string>

#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace chrysalis::network {

class Netlink {
 public:
  [[nodiscard]] static Result<Netlink> open();

  [[nodiscard]] Result<void> add_veth(const std::string& name,
                                      const std::string& peer, uint32_t mtu);
  [[nodiscard]] Result<void> remove_link(int index);
  // Ok when it is there already.
  [[nodiscard]] Result<void> add_ingress(int index);
  // Ok when there is none, or no device.
  [[nodiscard]] Result<void> remove_ingress(int index);
  // What arrives at `from` leaves by `to`; replaces the rule in one step.
  [[nodiscard]] Result<void> set_redirect(int from, int to);

 private:
  explicit Netlink(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace chrysalis::network
