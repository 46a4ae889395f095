#pragma once

// Which VMM program runs what: a new boot the configured one, a load the one
// that wrote the snapshot; both from our own copies, STATE/bin/<sha256>.
//
// Thread-safety: any thread. Ownership: borrows the constructor's references.
// Time: a program that is new to this process is run once, within 10 s.
// Errors: kNotFound - none is configured, or it is not kept; else as
//   src/hypervisor/probe.h and src/store/kept_binaries.h say.

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "src/base/result.h"
#include "src/engine/reason.h"
#include "src/hypervisor/probe.h"
#include "src/model/values.h"
#include "src/store/kept_binaries.h"
#include "src/store/records.h"

namespace chrysalis::engine {

struct Binary {
  std::filesystem::path path;  // ours: what is executed
  store::Vmm vmm;              // goes into the record
  // Why it can take no snapshot; kNone: it can, or nobody knows yet.
  Reason no_snapshot = Reason::kNone;
};

class Binaries {
 public:
  virtual ~Binaries() = default;
  virtual Result<Binary> configured(model::Hypervisor kind) = 0;
  // The program of a record.
  virtual Result<Binary> kept(model::Hypervisor kind,
                              const store::Vmm& vmm) = 0;
  // What only a try could tell: this program cannot, on this host, until the
  // next start.
  virtual void cannot_snapshot(model::Hypervisor kind,
                               const std::string& sha256, Reason why) = 0;
};

class NodeBinaries final : public Binaries {
 public:
  using Programs = std::map<model::Hypervisor, std::filesystem::path>;

  NodeBinaries(Programs programs, store::KeptBinaries& kept,
               hypervisor::NestedState nested)
      : programs_(std::move(programs)), kept_(kept), nested_(nested) {}

  Result<Binary> configured(model::Hypervisor kind) override;
  Result<Binary> kept(model::Hypervisor kind, const store::Vmm& vmm) override;
  void cannot_snapshot(model::Hypervisor kind, const std::string& sha256,
                       Reason why) override;

 private:
  Reason why_no_snapshot(model::Hypervisor kind, const store::Vmm& vmm);

  const Programs programs_;
  store::KeptBinaries& kept_;
  const hypervisor::NestedState nested_;
  hypervisor::Prober prober_;
  std::mutex mutex_;  // of learned_
  std::map<std::pair<model::Hypervisor, std::string>, Reason> learned_;
};

}  // namespace chrysalis::engine
