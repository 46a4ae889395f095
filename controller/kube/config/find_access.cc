#include "controller/kube/config/find_access.h"

#include <utility>
#include <vector>

#include "controller/kube/config/kubeconfig.h"

namespace chrysalis::kube {
namespace {

using Path = std::filesystem::path;
using Files = std::vector<KubeconfigFile>;

// Empty elements and repetitions are usual in a list built by shell scripts.
std::vector<Path> split_list(const std::string& list, const Path& directory) {
  std::vector<Path> out;
  size_t start = 0;
  while (start <= list.size()) {
    const size_t end = std::min(list.find(':', start), list.size());
    const std::string one = list.substr(start, end - start);
    if (!one.empty()) out.push_back(directory / one);
    start = end + 1;
  }
  return out;
}

Result<Access> from_flag(const AccessSources& sources, const ReadFile& read) {
  const Path path = sources.working_directory / sources.kubeconfig_flag;
  auto text = read(path);
  if (!text)
    return tl::unexpected<Error>(
        with_context(std::move(text).error(), "--kubeconfig"));
  const Files files{{path, *std::move(text)}};
  return read_kubeconfig(files, sources.context_flag, read);
}

// A file of the list that is not there is skipped, as kubectl does; one that
// cannot be read is not: what it would have said may be what counts.
Result<Access> from_variable(const AccessSources& sources,
                             const ReadFile& read) {
  Files files;
  for (const Path& path :
       split_list(sources.kubeconfig_variable, sources.working_directory)) {
    auto text = read(path);
    if (text)
      files.push_back({path, *std::move(text)});
    else if (text.error().code != Code::kNotFound)
      return tl::unexpected<Error>(
          with_context(std::move(text).error(), "KUBECONFIG"));
  }
  if (files.empty())
    return fail(Code::kNotFound,
                "KUBECONFIG: no file of \"" + sources.kubeconfig_variable +
                    "\" can be opened; correct it, or unset it");
  return read_kubeconfig(files, sources.context_flag, read);
}

}  // namespace

Result<Access> find_access(const AccessSources& sources, const ReadFile& read) {
  if (!sources.kubeconfig_flag.empty()) return from_flag(sources, read);
  if (!sources.kubeconfig_variable.empty()) return from_variable(sources, read);
  if (sources.pod.any()) return in_cluster_access(sources.pod, read);
  if (!sources.home.empty()) {
    const Path path = sources.home / ".kube" / "config";
    auto text = read(path);
    if (text) {
      const Files files{{path, *std::move(text)}};
      return read_kubeconfig(files, sources.context_flag, read);
    }
    if (text.error().code != Code::kNotFound)
      return tl::unexpected<Error>(std::move(text).error());
  }
  return fail(Code::kNotFound,
              "no API server is named: this is no pod, KUBECONFIG is not set, "
              "and there is no ~/.kube/config; pass --kubeconfig FILE");
}

}  // namespace chrysalis::kube
