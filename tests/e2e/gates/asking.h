#pragma once

// The ways that a request can take to an API server, with the client's and the
// server's field validation off, and what came back of it: the causes of a
// refusal, whoever refused.
// Thread-safety: the test's main thread.

#include <memory>
#include <string>
#include <vector>

#include "controller/kube/transport.h"
#include "tests/e2e/gates/cases.h"
#include "tests/kube/api_server.h"

namespace chrysalis::e2e {

struct Outcome {
  bool allowed = false;
  std::vector<Said> causes;  // sorted; none where only text came
  std::string text;          // for a failure, and of kubectl
};
// Of a Status or an AdmissionReview's.
std::vector<Said> causes_of(const json& status);

enum class Way { kCreate, kClientApply, kServerApply, kMergePatch, kJsonPatch };
inline constexpr Way kWays[] = {Way::kCreate, Way::kClientApply,
                                Way::kServerApply, Way::kMergePatch,
                                Way::kJsonPatch};
constexpr bool is_update(Way way) {
  return way == Way::kMergePatch || way == Way::kJsonPatch;
}
const char* to_string(Way way);

json object_of(const GateCase& c, const std::string& name, const json& spec);

std::unique_ptr<kube::Transport> transport_to(const std::string& url,
                                              const kube_tools::ApiServer& as);

class Asking {
 public:
  explicit Asking(const kube_tools::ApiServer& server);

  // An update is of the case's base object, which put_bases() made.
  Outcome ask(Way way, const GateCase& c, bool dry_run);
  void put_bases(const std::vector<GateCase>& cases);
  void remove_bases();

  // crds/ with its rules, or copies without; returns when that is in force.
  void set_rules(bool on);
  // Every review of our kinds to this port; returns when that is in force.
  void register_webhook(uint16_t port);
  void unregister_webhook();

  [[nodiscard]] int asked() const { return asked_; }

 private:
  Outcome send(kube::Method method, const std::string& target,
               const std::string& type, const json& body);
  Outcome probe();  // what the rules refuse, nothing kept
  static std::string base_name(const GateCase& c);

  const kube_tools::ApiServer& server_;
  std::unique_ptr<kube::Transport> transport_;
  std::vector<std::string> bases_;  // "plural/name"
  int asked_ = 0;
  int names_ = 0;
};

}  // namespace chrysalis::e2e
