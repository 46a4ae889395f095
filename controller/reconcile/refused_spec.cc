#include "controller/reconcile/refused_spec.h"

#include <nlohmann/json.hpp>

#include "controller/admission/verdict.h"
#include "controller/api/objects/codec.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

// Status is ours and no request: it is not judged.
template <class T>
std::optional<Hindrance> judged(api::Kind kind, const T& object) {
  T asked;
  asked.meta.ns = object.meta.ns;
  asked.meta.name = object.meta.name;
  asked.spec = object.spec;
  const auto faults =
      admission::refusals(admission::judge(kind, api::encode(asked)));
  if (faults.empty()) return std::nullopt;
  return stalls(StatusReason::kInvalidSpec, model::join(faults));
}

}  // namespace

std::optional<Hindrance> refused_spec(const api::VirtualMachine& vm) {
  return judged(api::Kind::kVirtualMachine, vm);
}

std::optional<Hindrance> refused_spec(const api::VmSnapshot& snapshot) {
  return judged(api::Kind::kVmSnapshot, snapshot);
}

}  // namespace chrysalis::reconcile
