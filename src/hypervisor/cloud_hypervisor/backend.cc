#include "src/hypervisor/cloud_hypervisor/backend.h"

#include <algorithm>

#include "src/hypervisor/api_call.h"
#include "src/hypervisor/cloud_hypervisor/requests.h"
#include "src/hypervisor/cloud_hypervisor/saved_config.h"
#include "src/hypervisor/cloud_hypervisor/saved_state.h"
#include "src/hypervisor/dump_dir.h"
#include "src/hypervisor/guest_view.h"
#include "src/model/topology_difference.h"

namespace chrysalis::hypervisor::cloud_hypervisor {
namespace {

tl::unexpected<Error> in(std::string_view what, Error error) {
  return tl::unexpected(with_context(std::move(error), what));
}

// NICs as they are now: those of the load keep what the state file says of
// them (MTU), those plugged since are as the VMM was told.
void take_nics(model::Topology& saved, std::vector<model::TopologyNic> live) {
  for (model::TopologyNic& nic : live) {
    const auto known = std::find_if(
        saved.nics.begin(), saved.nics.end(),
        [&](const model::TopologyNic& n) { return n.id == nic.id; });
    if (known != saved.nics.end()) nic = *known;
  }
  saved.nics = std::move(live);
}

std::optional<std::string> difference_but_nics(const ReadBack& files,
                                               const ReadBack& live) {
  model::Topology saved = files.topology, told = live.topology;
  saved.nics.clear();
  told.nics.clear();
  return model::first_difference(saved, told);
}

}  // namespace

model::Hypervisor CloudHypervisor::kind() const {
  return model::Hypervisor::kCloudHypervisor;
}

std::vector<std::string> CloudHypervisor::argv() const {
  return cloud_hypervisor::argv();
}

HttpRequest CloudHypervisor::resume_request() const {
  return cloud_hypervisor::resume();
}

Result<void> CloudHypervisor::send(const Vmm& vmm, const HttpRequest& request,
                                   milliseconds timeout) const {
  CHRYSALIS_ASSIGN(const HttpResponse answer, ask(vmm, request, timeout));
  if (auto checked = check(answer); !checked)
    return in(request.target, std::move(checked).error());
  return {};
}

Result<void> CloudHypervisor::reach(const Vmm& vmm, const HttpRequest& request,
                                    milliseconds timeout,
                                    VmmState wanted) const {
  const auto answer = ask(vmm, request, timeout);
  if (answer) {
    if (is_same_state(*answer)) return {};
    if (auto checked = check(*answer); !checked)
      return in(request.target, std::move(checked).error());
    return {};
  }
  if (answer.error().code != Code::kTimeout)
    return tl::unexpected(answer.error());
  // The VMM may have done it after we stopped listening.
  const auto now = state(vmm);
  if (now && *now == wanted) return {};
  return tl::unexpected(answer.error());
}

Result<std::string> CloudHypervisor::ready(const Vmm& vmm,
                                           Mono deadline) const {
  CHRYSALIS_ASSIGN(const HttpResponse answer,
                   first_answer(vmm, ping(), deadline));
  return decode_version(answer);
}

Result<void> CloudHypervisor::boot(const Vmm& vmm, const BootSpec& spec) const {
  CHRYSALIS_TRY(send(vmm, create(spec), timeouts_.api));
  return reach(vmm, cloud_hypervisor::boot(), timeouts_.api,
               VmmState::kRunning);
}

Result<Loaded> CloudHypervisor::load(const Vmm& vmm,
                                     const LoadSpec& spec) const {
  CHRYSALIS_TRY(reach(vmm, restore(spec), timeouts_.load, VmmState::kPaused));
  Loaded out;
  if (spec.fresh_nics.empty()) return out;
  // Removed first: both lists are then only ever as long as the guest's own.
  // The old devices keep slot and TAP until the guest runs and ejects them.
  for (const NicSpec& old : spec.saved_nics) {
    CHRYSALIS_TRY(send(vmm, remove_device(old.id), timeouts_.api));
    out.ejecting.push_back(old.id);
  }
  for (const NicSpec& fresh : spec.fresh_nics)
    CHRYSALIS_TRY(
        send(vmm, add_net(fresh, spec.config.queue_size), timeouts_.api));
  return out;
}

Result<void> CloudHypervisor::pause(const Vmm& vmm) const {
  return reach(vmm, cloud_hypervisor::pause(), timeouts_.api,
               VmmState::kPaused);
}

Result<void> CloudHypervisor::resume(const Vmm& vmm) const {
  return reach(vmm, cloud_hypervisor::resume(), timeouts_.api,
               VmmState::kRunning);
}

Result<void> CloudHypervisor::dump(const Vmm& vmm,
                                   std::string_view directory) const {
  return send(vmm, snapshot(directory), timeouts_.dump);
}

Result<VmmState> CloudHypervisor::state(const Vmm& vmm) const {
  CHRYSALIS_ASSIGN(const HttpResponse answer, ask(vmm, info(), timeouts_.api));
  return decode_state(answer);
}

Result<ReadBack> CloudHypervisor::read_back(
    const Vmm& vmm, const std::filesystem::path& loaded_from) const {
  CHRYSALIS_ASSIGN(const HttpResponse answer, ask(vmm, info(), timeouts_.api));
  CHRYSALIS_ASSIGN(ReadBack live, decode_info(answer));
  if (loaded_from.empty()) return live;
  CHRYSALIS_ASSIGN(ReadBack out, read_topology(loaded_from));
  // An echo proves nothing, but one that differs is of something else.
  if (const auto difference = difference_but_nics(out, live))
    return fail(Code::kCorrupt, "vm.info: " + *difference);
  take_nics(out.topology, std::move(live.topology.nics));
  out.no_direct_io = live.no_direct_io;
  return out;
}

Result<void> CloudHypervisor::ask_guest_to_stop(const Vmm& vmm) const {
  return send(vmm, power_button(), timeouts_.api);
}

Result<void> CloudHypervisor::shut_down(const Vmm& vmm) const {
  // Stops the guest first. The process may be gone before its answer is.
  auto sent = send(vmm, shut_down_vmm(), timeouts_.api);
  if (!sent && sent.error().code == Code::kTimeout) return {};
  return sent;
}

Result<ReadBack> CloudHypervisor::read_topology(
    const std::filesystem::path& dir) const {
  CHRYSALIS_ASSIGN(const std::string config,
                   read_file(dir, kChConfig, kMaxConfigBytes));
  CHRYSALIS_ASSIGN(const std::string state,
                   read_file(dir, kChState, kMaxStateBytes));
  CHRYSALIS_ASSIGN(const uint64_t memory, file_size(dir, kChMemory));
  return decode_dump(config, state, memory);
}

Result<void> CloudHypervisor::check_load(const std::filesystem::path& dir,
                                         const LoadSpec& spec) const {
  CHRYSALIS_ASSIGN(const std::string saved,
                   read_file(dir, kChConfig, kMaxConfigBytes));
  if (auto rebuilt = rebuild_config(saved, spec); !rebuilt)
    return in(kChConfig, std::move(rebuilt).error());
  return {};
}

Result<void> CloudHypervisor::prepare_load(const std::filesystem::path& dir,
                                           const LoadSpec& spec) const {
  CHRYSALIS_ASSIGN(const std::string saved,
                   read_file(dir, kChConfig, kMaxConfigBytes));
  auto rebuilt = rebuild_config(saved, spec);
  if (!rebuilt) return in(kChConfig, std::move(rebuilt).error());
  return replace_file(dir, kChConfig, *rebuilt);
}

}  // namespace chrysalis::hypervisor::cloud_hypervisor
