#include "controller/kube/beast/beast_transport.h"
#ifdef CHRYSALIS_WITH_CPPREST
#include "controller/kube/cpprest/cpprest_transport.h"
#endif
#include "tests/controller/kube/transport/transport_contract.h"

namespace chrysalis::kube::testing {
namespace {

template <class T, class Options>
Result<std::unique_ptr<Transport>> make(const Access& access,
                                        const Clock& clock,
                                        const ContractOptions& options) {
  Options its;
  its.user_agent = options.user_agent;
  its.max_body_bytes = options.max_body_bytes;
  CHRYSALIS_ASSIGN(std::unique_ptr<Transport> made,
                   T::make(access, clock, its));
  return made;
}

}  // namespace

std::vector<TransportMaker> transport_makers() {
  return {
      {"Beast", make<beast::BeastTransport, beast::BeastOptions>},
#ifdef CHRYSALIS_WITH_CPPREST
      {"CppRest", make<cpprest::CppRestTransport, cpprest::CppRestOptions>},
#endif
  };
}

}  // namespace chrysalis::kube::testing
