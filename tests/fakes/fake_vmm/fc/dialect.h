#pragma once

// The Firecracker process: pre-boot configuration (files and TAPs are opened
// at their PUT), then one machine until the end. Any failed load but
// "not allowed" ends the process with 1 after its answer.
// Thread-safety: none; one thread.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/fakes/fake_vmm/dialect.h"
#include "tests/fakes/fake_vmm/fc/state.h"
#include "tests/fakes/fake_vmm/machine/guest.h"

namespace chrysalis::fake_vmm::fc {

class Firecracker final : public Dialect {
 public:
  Firecracker(std::string id, Faults& faults);

  HttpReply handle(const HttpRequest& request) override;
  void tick() override;
  void add_to(std::vector<pollfd>& fds) const override;
  void serve(const std::vector<pollfd>& fds) override { serial_.serve(fds); }
  void terminate() override {}  // never called: SIGTERM kills it

 private:
  enum class Phase { kNotStarted, kRunning, kPaused };
  using Answer = Text<nlohmann::json>;  // null: 204
  struct Drive {
    nlohmann::json config;
    Disk disk;
  };
  struct Nic {
    nlohmann::json config;
    Tap tap;
  };

  Answer route(const HttpRequest& request);
  Answer get(const std::string& path) const;
  Answer put(const std::string& path, const std::string& body);
  Answer patch(const std::string& path, const std::string& body);
  Answer put_machine(const std::string& body, bool partial);
  Answer put_boot_source(const std::string& body);
  Answer put_drive(const std::string& id, const std::string& body);
  Answer patch_drive(const std::string& id, const std::string& body);
  Answer put_net(const std::string& id, const std::string& body);
  Answer put_serial(const std::string& body);
  Answer action(const std::string& body);
  Answer start();
  Answer set_state(const std::string& body);
  Answer create_snapshot(const std::string& body);
  Answer load_snapshot(const std::string& body);

  Text<void> restore(const nlohmann::json& request);
  Text<void> restore_devices(const nlohmann::json& saved,
                             const nlohmann::json& overrides);
  Text<Nic> open_nic(const nlohmann::json& config);
  // The answer of a call in the wrong phase, or nothing.
  std::optional<std::string> wrong_phase(bool needs_running) const;
  nlohmann::json full_config() const;
  GuestShape shape() const;
  void run_guest();
  std::string step_of(const HttpRequest& request) const;

  std::string id_;
  Faults& faults_;
  Fault fault_;
  Phase phase_ = Phase::kNotStarted;
  bool parked_by_api_ = false;  // after PATCH Paused: nothing but the API
  bool configured_ = false;     // a load is not allowed any more
  bool serial_to_file_ = false;
  nlohmann::json machine_;
  nlohmann::json boot_source_;
  uint32_t abilities_ = 0;
  bool kernel_boots_ = false;
  std::vector<Drive> drives_;
  std::vector<Nic> nics_;
  unsigned ticks_ = 0;
  Serial serial_;
  std::unique_ptr<Guest> guest_;
};

}  // namespace chrysalis::fake_vmm::fc
