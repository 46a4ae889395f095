#include "src/hypervisor/firecracker/backend.h"

#include "src/hypervisor/api_call.h"
#include "src/hypervisor/dump_dir.h"
#include "src/hypervisor/firecracker/requests.h"
#include "src/hypervisor/guest_view.h"
#include "src/hypervisor/version.h"

namespace chrysalis::hypervisor::firecracker {
model::Hypervisor Firecracker::kind() const {
  return model::Hypervisor::kFirecracker;
}

std::vector<std::string> Firecracker::argv() const {
  return firecracker::argv();
}

HttpRequest Firecracker::resume_request() const {
  return firecracker::resume();
}

Result<void> Firecracker::send(const Vmm& vmm, const HttpRequest& request,
                               milliseconds timeout) const {
  CHRYSALIS_ASSIGN(const HttpResponse answer, ask(vmm, request, timeout));
  if (auto checked = check(answer); !checked)
    return tl::unexpected(
        with_context(std::move(checked).error(), request.target));
  return {};
}

Result<void> Firecracker::send_all(const Vmm& vmm,
                                   const std::vector<HttpRequest>& requests,
                                   milliseconds last, VmmState wanted) const {
  for (const HttpRequest& request : requests) {
    const bool is_last = &request == &requests.back();
    auto sent = send(vmm, request, is_last ? last : timeouts_.api);
    if (sent) continue;
    if (is_last && sent.error().code == Code::kTimeout) {
      const auto now = state(vmm);
      if (now && *now == wanted) return {};
    }
    return sent;
  }
  return {};
}

Result<Version> Firecracker::version_of(const Vmm& vmm) const {
  CHRYSALIS_ASSIGN(const HttpResponse answer,
                   ask(vmm, version(), timeouts_.api));
  CHRYSALIS_ASSIGN(const std::string text, decode_version(answer));
  const auto parsed = parse_version(text);
  if (!parsed) return fail(Code::kCorrupt, "not a version: " + text);
  return *parsed;
}

Result<std::string> Firecracker::ready(const Vmm& vmm, Mono deadline) const {
  CHRYSALIS_ASSIGN(const HttpResponse answer,
                   first_answer(vmm, version(), deadline));
  return decode_version(answer);
}

Result<void> Firecracker::boot(const Vmm& vmm, const BootSpec& spec) const {
  CHRYSALIS_ASSIGN(const Version found, version_of(vmm));
  return send_all(vmm, firecracker::boot(spec, found), timeouts_.api,
                  VmmState::kRunning);
}

Result<Loaded> Firecracker::load(const Vmm& vmm, const LoadSpec& spec) const {
  if (spec.on_demand)
    return fail(Code::kUnsupported, "Firecracker maps its memory file anyway");
  if (!spec.fresh_nics.empty())
    return fail(Code::kUnsupported, "Firecracker cannot replace a NIC");
  CHRYSALIS_ASSIGN(const Version found, version_of(vmm));
  CHRYSALIS_TRY(send_all(vmm, firecracker::load(spec, found), timeouts_.load,
                         VmmState::kPaused));
  return Loaded{};
}

Result<void> Firecracker::pause(const Vmm& vmm) const {
  return send_all(vmm, {firecracker::pause()}, timeouts_.api,
                  VmmState::kPaused);
}

Result<void> Firecracker::resume(const Vmm& vmm) const {
  return send_all(vmm, {firecracker::resume()}, timeouts_.api,
                  VmmState::kRunning);
}

Result<void> Firecracker::dump(const Vmm& vmm,
                               std::string_view directory) const {
  return send(vmm, snapshot(directory), timeouts_.dump);
}

Result<VmmState> Firecracker::state(const Vmm& vmm) const {
  CHRYSALIS_ASSIGN(const HttpResponse answer,
                   ask(vmm, describe(), timeouts_.api));
  return decode_state(answer);
}

Result<ReadBack> Firecracker::read_back(
    const Vmm& vmm, const std::filesystem::path& /*loaded_from*/) const {
  CHRYSALIS_ASSIGN(const HttpResponse machine,
                   ask(vmm, machine_config(), timeouts_.api));
  CHRYSALIS_ASSIGN(const HttpResponse config,
                   ask(vmm, vm_config(), timeouts_.api));
  return decode_shape(machine, config);
}

Result<void> Firecracker::ask_guest_to_stop(const Vmm& vmm) const {
  return send(vmm, ctrl_alt_del(), timeouts_.api);
}

Result<void> Firecracker::shut_down(const Vmm& /*vmm*/) const {
  return fail(Code::kUnsupported, "Firecracker ends by a signal");
}

Result<ReadBack> Firecracker::read_topology(
    const std::filesystem::path& /*dir*/) const {
  return fail(Code::kUnsupported,
              "Firecracker's state file is read by Firecracker only");
}

Result<void> Firecracker::prepare_load(const std::filesystem::path& dir,
                                       const LoadSpec& spec) const {
  return check_load(dir, spec);  // nothing in it names a path or a TAP of ours
}

Result<void> Firecracker::check_load(const std::filesystem::path& dir,
                                     const LoadSpec& spec) const {
  CHRYSALIS_ASSIGN(const uint64_t state, file_size(dir, kFcState));
  CHRYSALIS_ASSIGN(const uint64_t memory, file_size(dir, kFcMemory));
  if (state == 0 || state > model::kMaxFcState)
    return fail(Code::kCorrupt,
                "the state file has " + std::to_string(state) + " bytes");
  if (memory != spec.config.memory.count)
    return fail(Code::kCorrupt, "the memory file has " +
                                    std::to_string(memory) +
                                    " bytes, the snapshot's record says " +
                                    std::to_string(spec.config.memory.count));
  return {};
}

}  // namespace chrysalis::hypervisor::firecracker
