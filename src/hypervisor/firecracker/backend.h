#pragma once

// Firecracker: the order of calls. See src/hypervisor/backend.h.

#include "src/hypervisor/backend.h"

namespace chrysalis::hypervisor::firecracker {

class Firecracker final : public Backend {
 public:
  explicit Firecracker(Timeouts timeouts = {}) : timeouts_(timeouts) {}

  [[nodiscard]] model::Hypervisor kind() const override;
  [[nodiscard]] std::vector<std::string> argv() const override;
  [[nodiscard]] HttpRequest resume_request() const override;
  [[nodiscard]] Result<std::string> ready(const Vmm& vmm,
                                          Mono deadline) const override;
  [[nodiscard]] Result<void> boot(const Vmm& vmm,
                                  const BootSpec& spec) const override;
  [[nodiscard]] Result<Loaded> load(const Vmm& vmm,
                                    const LoadSpec& spec) const override;
  [[nodiscard]] Result<void> pause(const Vmm& vmm) const override;
  [[nodiscard]] Result<void> resume(const Vmm& vmm) const override;
  [[nodiscard]] Result<void> dump(const Vmm& vmm,
                                  std::string_view directory) const override;
  [[nodiscard]] Result<VmmState> state(const Vmm& vmm) const override;
  [[nodiscard]] Result<ReadBack> read_back(
      const Vmm& vmm, const std::filesystem::path& loaded_from) const override;
  [[nodiscard]] Result<void> ask_guest_to_stop(const Vmm& vmm) const override;
  [[nodiscard]] Result<void> shut_down(const Vmm& vmm) const override;
  [[nodiscard]] Result<ReadBack> read_topology(
      const std::filesystem::path& dir) const override;
  [[nodiscard]] Result<void> check_load(const std::filesystem::path& dir,
                                        const LoadSpec& spec) const override;
  [[nodiscard]] Result<void> prepare_load(const std::filesystem::path& dir,
                                          const LoadSpec& spec) const override;

 private:
  [[nodiscard]] Result<void> send(const Vmm& vmm, const HttpRequest& request,
                                  milliseconds timeout) const;
  // All in order. A last one whose effect is unknown counts as done when the
  // VM is in the state `wanted`.
  [[nodiscard]] Result<void> send_all(const Vmm& vmm,
                                      const std::vector<HttpRequest>& requests,
                                      milliseconds last, VmmState wanted) const;
  [[nodiscard]] Result<Version> version_of(const Vmm& vmm) const;

  Timeouts timeouts_;
};

}  // namespace chrysalis::hypervisor::firecracker
