#pragma once

// Which API server to speak to, by the first source that there is: the flag,
// KUBECONFIG, the pod that we are in, ~/.kube/config. A source that is there
// and wrong is an error; the next is not tried then.
// Errors: kNotFound - there is no source, or the named file is not there;
//   else as kubeconfig.h and in_cluster.h. Messages name file, key and remedy.

#include <filesystem>
#include <string>

#include "controller/kube/access.h"
#include "controller/kube/config/in_cluster.h"
#include "controller/kube/credentials.h"
#include "src/base/result.h"

namespace chrysalis::kube {

// What the process was started with; main.cc fills it in.
struct AccessSources {
  std::filesystem::path kubeconfig_flag{};  // that file alone
  std::string context_flag{};               // "": the current context
  std::string kubeconfig_variable{};        // KUBECONFIG: a list, by colons
  PodEnvironment pod{};
  std::filesystem::path home{};               // HOME
  std::filesystem::path working_directory{};  // of relative paths above
};

Result<Access> find_access(const AccessSources& sources,
                           const ReadFile& read = read_small_file);

}  // namespace chrysalis::kube
