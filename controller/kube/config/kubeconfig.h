#pragma once

// An Access from kubeconfig files as kubectl reads them: merged, the first
// file that names a thing wins; relative paths are of the file they stand in.
// What is not read here (exec, proxy-url, auth-provider, as*) is refused by
// name where the chosen context needs it, never ignored.
// Errors: kInvalid, "FILE: KEY: what is wrong; remedy". No token, password or
//   key is ever part of a message.
// Thread-safety: any thread. `read` is tried on each file that is named, so
// that a wrong path is said at the start.

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "controller/kube/access.h"
#include "controller/kube/credentials.h"
#include "src/base/result.h"

namespace chrysalis::kube {

struct KubeconfigFile {
  std::filesystem::path path;  // absolute; for messages and relative paths
  std::string text;
};

// `context`: "" is the current one. REQUIRES: `files` is not empty.
Result<Access> read_kubeconfig(std::span<const KubeconfigFile> files,
                               std::string_view context, const ReadFile& read);

}  // namespace chrysalis::kube
