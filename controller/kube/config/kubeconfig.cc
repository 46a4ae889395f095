#include "controller/kube/config/kubeconfig.h"

#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace chrysalis::kube {
namespace {

using Path = std::filesystem::path;

// What only a later version can do, and what to do until then.
struct Unsupported {
  const char* key;
  const char* remedy;
};
constexpr const char* kOtherUser =
    "use a token (kubectl create token NAME), a tokenFile or a client "
    "certificate";
constexpr const char* kNoImpersonation =
    "bind the roles to the user itself, and remove it";
constexpr std::array kUnsupportedOfUser = {
    Unsupported{"exec", kOtherUser},
    Unsupported{"auth-provider", kOtherUser},
    Unsupported{"as", kNoImpersonation},
    Unsupported{"as-uid", kNoImpersonation},
    Unsupported{"as-groups", kNoImpersonation},
    Unsupported{"as-user-extra", kNoImpersonation}};
constexpr std::array kUnsupportedOfCluster = {
    Unsupported{"proxy-url", "name a server that is reached without a proxy"}};

std::optional<std::string> from_base64(std::string_view text) {
  std::string packed;
  for (const char c : text)
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') packed += c;
  if (packed.empty() || packed.size() % 4 != 0) return std::nullopt;
  std::vector<unsigned char> out(packed.size());
  const int n = EVP_DecodeBlock(
      out.data(), reinterpret_cast<const unsigned char*>(packed.data()),
      static_cast<int>(packed.size()));
  if (n < 0) return std::nullopt;
  // OpenSSL counts the padding as bytes.
  auto size = static_cast<size_t>(n);
  if (packed.back() == '=') --size;
  if (packed[packed.size() - 2] == '=') --size;
  return std::string(out.begin(), out.begin() + static_cast<ptrdiff_t>(size));
}

// A mapping of one file, for reading members with errors that say where.
class Section {
 public:
  Section(const KubeconfigFile& file, std::string where, const YAML::Node& node)
      : file_(&file), where_(std::move(where)), node_(node) {}

  [[nodiscard]] std::optional<YAML::Node> find(const char* key) const {
    if (!node_.IsMap()) return std::nullopt;
    YAML::Node found = std::as_const(node_)[key];
    if (!found.IsDefined() || found.IsNull()) return std::nullopt;
    return found;
  }
  [[nodiscard]] tl::unexpected<Error> wrong(const char* key,
                                            const std::string& what) const {
    const auto found = find(key);
    const YAML::Mark mark = found ? found->Mark() : node_.Mark();
    std::string text = file_->path.string();
    if (!mark.is_null()) text += ":" + std::to_string(mark.line + 1);
    std::string place = where_;
    if (*key != 0) place += (place.empty() ? "" : ".") + std::string(key);
    if (!place.empty()) text += ": " + place;
    return fail(Code::kInvalid, text + ": " + what);
  }
  // A mapping inside, in the same file.
  [[nodiscard]] Section inner(std::string where, const YAML::Node& node) const {
    return {*file_, std::move(where), node};
  }

  Result<std::string> text(const char* key) const {
    const auto found = find(key);
    if (!found) return std::string();
    if (!found->IsScalar()) return wrong(key, "not a string");
    return found->Scalar();
  }
  Result<bool> flag(const char* key) const {
    const auto found = find(key);
    bool value = false;
    if (!found || YAML::convert<bool>::decode(*found, value)) return value;
    return wrong(key, "neither true nor false");
  }
  Result<Path> file(const char* key, const ReadFile& read) const {
    CHRYSALIS_ASSIGN(const std::string value, text(key));
    if (value.empty()) return Path();
    Path path = file_->path.parent_path() / value;
    if (const auto bytes = read(path); !bytes)
      return wrong(key, bytes.error().message + "; correct the path");
    return path;
  }
  // KEY-data as base64 of PEM, else the file KEY; data wins.
  Result<PemSource> pem(const char* key, const ReadFile& read) const {
    PemSource out;
    const std::string data_key = std::string(key) + "-data";
    CHRYSALIS_ASSIGN(const std::string data, text(data_key.c_str()));
    if (data.empty()) {
      CHRYSALIS_ASSIGN(out.file, file(key, read));
      return out;
    }
    auto decoded = from_base64(data);
    if (!decoded || decoded->find("-----BEGIN ") == std::string::npos)
      return wrong(data_key.c_str(), "not base64 of PEM; encode the file anew");
    out.data = *std::move(decoded);
    return out;
  }
  Result<> refuse(std::span<const Unsupported> keys) const {
    for (const Unsupported& one : keys) {
      const auto found = find(one.key);
      if (!found || (found->IsScalar() && found->Scalar().empty())) continue;
      return wrong(one.key, std::string("not supported; ") + one.remedy);
    }
    return {};
  }

 private:
  const KubeconfigFile* file_;
  std::string where_;
  YAML::Node node_;
};

Result<std::vector<Section>> parse(std::span<const KubeconfigFile> files) {
  std::vector<Section> out;
  for (const KubeconfigFile& file : files) {
    try {
      const YAML::Node node = YAML::Load(file.text);
      const Section top(file, "", node);
      if (node.IsNull()) continue;
      if (!node.IsMap()) return top.wrong("", "not a kubeconfig");
      out.push_back(top);
    } catch (const YAML::Exception& e) {
      return fail(Code::kInvalid, file.path.string() + ":" +
                                      std::to_string(e.mark.line + 1) +
                                      ": not YAML: " + e.msg);
    }
  }
  return out;
}

std::string name_of(const Section& element) {
  const auto name = element.find("name");
  return name && name->IsScalar() ? name->Scalar() : "";
}

// The entries of a list of {name: .., <inner>: {..}} in one file.
Result<std::vector<std::pair<std::string, Section>>> entries(
    const Section& top, const char* list, const char* inner) {
  std::vector<std::pair<std::string, Section>> out;
  const auto found = top.find(list);
  if (!found) return out;
  if (!found->IsSequence()) return top.wrong(list, "not a list");
  for (const YAML::Node& node : *found) {
    const Section element = top.inner(list, node);
    const std::string name = name_of(element);
    const auto body = element.find(inner);
    if (body && !body->IsMap()) return element.wrong(inner, "not a mapping");
    out.emplace_back(name,
                     top.inner(std::string(list) + "[" + name + "]." + inner,
                               body.value_or(YAML::Node())));
  }
  return out;
}

// The one of that name in the first file that has it.
Result<Section> entry(const std::vector<Section>& tops, const char* list,
                      const char* inner, std::string_view name) {
  std::string known;
  for (const Section& top : tops) {
    CHRYSALIS_ASSIGN(const auto all, entries(top, list, inner));
    for (const auto& [its_name, section] : all) {
      if (its_name == name) return section;
      known += (known.empty() ? "" : ", ") + its_name;
    }
  }
  return tops.front().wrong(list, "no \"" + std::string(name) +
                                      "\"; there is " +
                                      (known.empty() ? "none" : known));
}

Result<std::string> current_context(const std::vector<Section>& tops) {
  for (const Section& top : tops) {
    CHRYSALIS_ASSIGN(std::string name, top.text("current-context"));
    if (!name.empty()) return name;
  }
  return tops.front().wrong("current-context",
                            "not set; kubectl config use-context NAME, or "
                            "pass --context NAME");
}

Result<> read_cluster(const Section& cluster, const ReadFile& read,
                      Access& out) {
  CHRYSALIS_TRY(cluster.refuse(kUnsupportedOfCluster));
  CHRYSALIS_ASSIGN(out.server, cluster.text("server"));
  if (out.server.empty())
    return cluster.wrong("server", "not set; name the API server's URL");
  CHRYSALIS_ASSIGN(out.tls_server_name, cluster.text("tls-server-name"));
  CHRYSALIS_ASSIGN(out.skip_tls_verify,
                   cluster.flag("insecure-skip-tls-verify"));
  CHRYSALIS_ASSIGN(out.ca, cluster.pem("certificate-authority", read));
  if (out.skip_tls_verify && !out.ca.empty())
    return cluster.wrong("insecure-skip-tls-verify",
                         "contradicts certificate-authority; remove one");
  return {};
}

Result<> read_user(const Section& user, const ReadFile& read, Access& out) {
  CHRYSALIS_TRY(user.refuse(kUnsupportedOfUser));
  CHRYSALIS_ASSIGN(out.client_certificate,
                   user.pem("client-certificate", read));
  CHRYSALIS_ASSIGN(out.client_key, user.pem("client-key", read));
  if (out.client_certificate.empty() != out.client_key.empty())
    return user.wrong(
        out.client_key.empty() ? "client-certificate" : "client-key",
        "the other half is missing; give certificate and key");
  CHRYSALIS_ASSIGN(out.token, user.text("token"));
  CHRYSALIS_ASSIGN(out.token_file, user.file("tokenFile", read));
  CHRYSALIS_ASSIGN(out.username, user.text("username"));
  CHRYSALIS_ASSIGN(out.password, user.text("password"));
  const bool has_token = !out.token.empty() || !out.token_file.empty();
  if (has_token && !out.username.empty())
    return user.wrong("username", "contradicts the token; remove one");
  return {};
}

Result<Access> read_context(std::span<const KubeconfigFile> files,
                            std::string_view context, const ReadFile& read) {
  CHRYSALIS_ASSIGN(const std::vector<Section> tops, parse(files));
  if (tops.empty())
    return fail(Code::kInvalid, files.front().path.string() + ": is empty");
  std::string name(context);
  if (name.empty()) {
    CHRYSALIS_ASSIGN(name, current_context(tops));
  }
  CHRYSALIS_ASSIGN(const Section chosen,
                   entry(tops, "contexts", "context", name));
  Access out;
  CHRYSALIS_ASSIGN(std::string ns, chosen.text("namespace"));
  if (!ns.empty()) out.ns = std::move(ns);
  CHRYSALIS_ASSIGN(const std::string cluster_name, chosen.text("cluster"));
  CHRYSALIS_ASSIGN(const Section cluster,
                   entry(tops, "clusters", "cluster", cluster_name));
  CHRYSALIS_TRY(read_cluster(cluster, read, out));
  CHRYSALIS_ASSIGN(const std::string user_name, chosen.text("user"));
  if (user_name.empty()) return out;  // an open server, as in a test
  CHRYSALIS_ASSIGN(const Section user, entry(tops, "users", "user", user_name));
  CHRYSALIS_TRY(read_user(user, read, out));
  return out;
}

}  // namespace

Result<Access> read_kubeconfig(std::span<const KubeconfigFile> files,
                               std::string_view context, const ReadFile& read) {
  try {
    return read_context(files, context, read);
  } catch (const YAML::Exception& e) {  // an accident of the library
    return fail(Code::kInvalid, files.front().path.string() + ": " + e.what());
  }
}

}  // namespace chrysalis::kube
