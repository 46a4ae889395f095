#include "controller/kube/config/in_cluster.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace chrysalis::kube {
namespace {

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == text.npos) return "";
  return std::string(
      text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

Result<> check_readable(const std::filesystem::path& file,
                        const ReadFile& read) {
  const auto text = read(file);
  if (text && !trimmed(*text).empty()) return {};
  const std::string why =
      text ? file.string() + ": is empty" : text.error().message;
  return fail(text ? Code::kInvalid : Code::kNotFound,
              why +
                  "; give the pod a service account (and leave "
                  "automountServiceAccountToken on), or pass --kubeconfig");
}

}  // namespace

Result<Access> in_cluster_access(const PodEnvironment& pod,
                                 const ReadFile& read) {
  for (const auto& [name, value] :
       {std::pair{"KUBERNETES_SERVICE_HOST", &pod.service_host},
        std::pair{"KUBERNETES_SERVICE_PORT", &pod.service_port}})
    if (value->empty())
      return fail(Code::kInvalid, std::string(name) +
                                      ": not set, though the other of the two "
                                      "is; every pod has both");
  const bool is_v6 = pod.service_host.find(':') != std::string::npos;
  const std::string host =
      is_v6 ? "[" + pod.service_host + "]" : pod.service_host;
  Access out;
  out.server = "https://" + host + ":" + pod.service_port;
  out.ca.file = pod.service_account / "ca.crt";
  out.token_file = pod.service_account / "token";
  CHRYSALIS_TRY(check_readable(out.token_file, read));
  CHRYSALIS_TRY(check_readable(out.ca.file, read));
  // Absent in hand-made mounts; only a default hangs on it.
  if (const auto ns = read(pod.service_account / "namespace"))
    if (const std::string name = trimmed(*ns); !name.empty()) out.ns = name;
  return out;
}

}  // namespace chrysalis::kube
