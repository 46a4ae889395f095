#pragma once

// What every Transport must do, whatever library it stands on: the suite in
// transport_contract_test.cc runs once for each of these.

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "controller/kube/access.h"
#include "controller/kube/transport.h"

namespace chrysalis::kube::testing {

struct ContractOptions {
  std::string user_agent = "chrysalis";
  size_t max_body_bytes = size_t{1} << 20;
};

struct TransportMaker {
  const char* name;
  std::function<Result<std::unique_ptr<Transport>>(const Access&, const Clock&,
                                                   const ContractOptions&)>
      make;
};
inline void PrintTo(const TransportMaker& maker, std::ostream* out) {
  *out << maker.name;
}

// Those that this build has.
std::vector<TransportMaker> transport_makers();

}  // namespace chrysalis::kube::testing
