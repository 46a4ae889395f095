#pragma once

// Cloud Hypervisor: the order of calls. See src/hypervisor/backend.h.

#include "src/hypervisor/backend.h"

namespace chrysalis::hypervisor::cloud_hypervisor {

class CloudHypervisor final : public Backend {
 public:
  explicit CloudHypervisor(Timeouts timeouts = {}) : timeouts_(timeouts) {}

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
  // Sends; where the effect is unknown, looks whether `wanted` was reached.
  [[nodiscard]] Result<void> reach(const Vmm& vmm, const HttpRequest& request,
                                   milliseconds timeout, VmmState wanted) const;
  [[nodiscard]] Result<void> send(const Vmm& vmm, const HttpRequest& request,
                                  milliseconds timeout) const;

  Timeouts timeouts_;
};

}  // namespace chrysalis::hypervisor::cloud_hypervisor
