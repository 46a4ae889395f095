// A kubeconfig; no secret of it may stand in a message.

#include "controller/kube/config/kubeconfig.h"

#include "tests/fuzz/target.h"

using namespace chrysalis;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const kube::KubeconfigFile file{"/home/user/.kube/config",
                                  std::string(fuzz::text_of(data, size))};
  const auto access = kube::read_kubeconfig(
      {&file, 1}, "", [](const auto&) -> Result<std::string> { return "x"; });
  if (!access)
    fuzz::expect(access.error().message.find("hunter2") == std::string::npos);
  return 0;
}
