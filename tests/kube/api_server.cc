#include "tests/kube/api_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "tests/kube/certificates.h"
#include "tests/kube/ready_probe.h"
#include "tests/kube/server_files.h"

namespace chrysalis::kube_tools {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kPrefix = "chrysalis-kube-";
constexpr seconds kReadyWithin{90};  // a machine that builds beside us is slow
constexpr seconds kCommandWithin{60};
constexpr int kPortTries = 3;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<fs::path> find_programs() {
  const fs::path assets = variable("KUBEBUILDER_ASSETS");
  const fs::path cached = fs::path(variable("HOME")) / ".cache/chrysalis" /
                          ("kube-" CHRYSALIS_KUBE_VERSION);
  for (const auto& dir : {assets, cached}) {
    const auto has = [&](const char* p) { return fs::exists(dir / p); };
    if (!dir.empty() && has("etcd") && has("kube-apiserver") && has("kubectl"))
      return dir;
  }
  return fail(Code::kNotFound, "no kube-apiserver in " + cached.string() +
                                   ": run tests/kube/tools/build");
}

bool lock(const UniqueFd& fd) {
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

// Directories whose process is gone without having cleaned up. One without a
// lock file is being made right now.
void sweep(const fs::path& base) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(base, ignored)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const UniqueFd fd(
        ::open((entry.path() / "lock").c_str(), O_RDWR | O_CLOEXEC));
    if (fd.valid() && lock(fd)) fs::remove_all(entry.path(), ignored);
  }
}

struct LockedDirectory {
  fs::path path;
  UniqueFd lock;
};

Result<LockedDirectory> make_directory() {
  std::error_code error;
  const fs::path base = fs::temp_directory_path(error);
  if (error) return fail(Code::kUnavailable, error.message());
  sweep(base);
  std::string path = (base / (std::string(kPrefix) + "XXXXXX")).string();
  if (::mkdtemp(path.data()) == nullptr)
    return tl::unexpected(from_errno(errno, path));
  LockedDirectory made{path,
                       UniqueFd(::open((path + "/lock.new").c_str(),
                                       O_RDWR | O_CREAT | O_CLOEXEC, 0600))};
  if (!made.lock.valid() || !lock(made.lock))
    return tl::unexpected(from_errno(errno, path));
  // The name appears with the lock held: sweep() never sees it free.
  fs::rename(path + "/lock.new", path + "/lock", error);
  if (error) return fail(Code::kUnavailable, error.message());
  return made;
}

// A port that was free a moment ago. Somebody may take it before the server
// does; the server then ends at once, and start() tries again.
Result<int> free_port() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) !=
          0)
    return tl::unexpected(from_errno(errno, "find a free port"));
  return ::ntohs(address.sin_port);
}

Result<void> write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  if (!file) return fail(Code::kUnavailable, "write " + path.string());
  return {};
}

std::string text(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : "";
}

// A request has a line when it arrives, and one when it was answered.
void merge(AuditEvent& event, const nlohmann::json& line) {
  const auto object = [&](const char* key) {
    const auto found = line.find(key);
    return found != line.end() && found->is_object() ? *found
                                                     : nlohmann::json::object();
  };
  const auto reference = object("objectRef");
  event.verb = text(line, "verb");
  event.group = text(reference, "apiGroup");
  event.resource = text(reference, "resource");
  event.subresource = text(reference, "subresource");
  event.ns = text(reference, "namespace");
  // A create by generateName has its name in the second line only.
  if (event.name.empty()) event.name = text(reference, "name");
  event.user = text(object("user"), "username");
  event.user_agent = text(line, "userAgent");
  event.code = object("responseStatus").value("code", 0);
}

}  // namespace

bool AuditEvent::is_write() const {
  constexpr std::array kWrites{"create", "update", "patch", "delete",
                               "deletecollection"};
  return std::find(kWrites.begin(), kWrites.end(), verb) != kWrites.end();
}

ApiServer::ApiServer(fs::path programs, fs::path dir, UniqueFd lock)
    : programs_(std::move(programs)),
      dir_(std::move(dir)),
      lock_(std::move(lock)),
      token_(random_hex(16)) {}

ApiServer::~ApiServer() {
  api_server_.kill();
  etcd_.kill();
  std::error_code ignored;
  fs::remove_all(dir_, ignored);
}

Result<std::unique_ptr<ApiServer>> ApiServer::start() {
  CHRYSALIS_ASSIGN(auto programs, find_programs());
  CHRYSALIS_ASSIGN(auto made, make_directory());
  std::unique_ptr<ApiServer> server(new ApiServer(
      std::move(programs), std::move(made.path), std::move(made.lock)));
  CHRYSALIS_ASSIGN(
      server->etcd_,
      Child::start(ServerFiles{server->programs_, server->dir_}.etcd_argv(),
                   server->dir_ / "etcd.log"));
  for (int i = 1;; ++i) {
    CHRYSALIS_ASSIGN(server->port_, free_port());
    CHRYSALIS_TRY(server->write_files());
    auto up = server->restart();
    if (up) return server;
    const bool port_taken =
        up.error().message.find("address already in use") != std::string::npos;
    if (!port_taken || i == kPortTries) return tl::unexpected(up.error());
  }
}

Result<void> ApiServer::write_files() {
  CHRYSALIS_ASSIGN(const auto made, make_certificates());
  const std::map<std::string, std::string> files{
      {"ca.crt", made.ca},
      {"server.crt", made.server},
      {"server.key", made.server_key},
      {"client.crt", made.client},
      {"client.key", made.client_key},
      {"service-account.key", made.service_account_key},
      {"service-account.pub", made.service_account_public},
      {"tokens.csv", token_ + ",token-admin,1,\"system:masters\"\n"},
      {"audit-policy.yaml", audit_policy()},
      {"kubeconfig", client_cert_kubeconfig(url(), made)},
      {"token-kubeconfig", token_kubeconfig(url(), made, token_)},
  };
  for (const auto& [name, bytes] : files)
    CHRYSALIS_TRY(write_file(dir_ / name, bytes));
  return {};
}

void ApiServer::stop() { api_server_.kill(); }

Result<void> ApiServer::restart() {
  api_server_.kill();
  CHRYSALIS_ASSIGN(
      api_server_,
      Child::start(ServerFiles{programs_, dir_, port_}.api_server_argv(),
                   dir_ / "kube-apiserver.log"));
  return wait_until_ready();
}

Result<void> ApiServer::wait_until_ready() {
  const auto deadline = std::chrono::steady_clock::now() + kReadyWithin;
  while (std::chrono::steady_clock::now() < deadline) {
    // The pause between two probes is a wait for the server's end.
    if (api_server_.ended_within(milliseconds(25)))
      return fail(Code::kUnavailable,
                  "kube-apiserver ended:\n" + log_end("kube-apiserver.log"));
    if (etcd_.ended_within(milliseconds(0)))
      return fail(Code::kUnavailable, "etcd ended:\n" + log_end("etcd.log"));
    if (is_ready(port_, token_)) return {};
  }
  return fail(Code::kTimeout,
              "kube-apiserver is not ready:\n" + log_end("kube-apiserver.log"));
}

std::string ApiServer::log_end(const std::string& name) const {
  std::ifstream file(dir_ / name);
  std::ostringstream all;
  all << file.rdbuf();
  constexpr size_t kEnd = 2000;
  const std::string log = all.str();
  return log.size() <= kEnd ? log : "..." + log.substr(log.size() - kEnd);
}

std::string ApiServer::url() const {
  return "https://127.0.0.1:" + std::to_string(port_);
}
fs::path ApiServer::kubeconfig_path() const { return dir_ / "kubeconfig"; }
fs::path ApiServer::token_kubeconfig_path() const {
  return dir_ / "token-kubeconfig";
}
fs::path ApiServer::ca_path() const { return dir_ / "ca.crt"; }
fs::path ApiServer::client_cert_path() const { return dir_ / "client.crt"; }
fs::path ApiServer::client_key_path() const { return dir_ / "client.key"; }
std::string ApiServer::token() const { return token_; }
fs::path ApiServer::kubectl_path() const { return programs_ / "kubectl"; }

Finished ApiServer::kubectl(const std::vector<std::string>& args,
                            const std::string& input) const {
  std::vector<std::string> argv{kubectl_path()};
  argv.insert(argv.end(), args.begin(), args.end());
  // HOME: kubectl caches what a server serves by its address, and another
  // server had this port before.
  auto done = run(argv,
                  {"HOME=" + dir_.string(), "PATH=" + variable("PATH"),
                   "KUBECONFIG=" + kubeconfig_path().string()},
                  input, kCommandWithin);
  if (done) return *std::move(done);
  return {done.error().code == Code::kTimeout ? 124 : 127, "",
          done.error().message};
}

Finished ApiServer::apply(const std::string& yaml) const {
  return kubectl({"apply", "-f", "-"}, yaml);
}

Result<void> ApiServer::install_crds() const {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"apply", "-f", CHRYSALIS_SOURCE_DIR "/crds"},
        {"wait", "--for=condition=Established", "crd", "--all",
         "--timeout=30s"}}) {
    const Finished done = kubectl(words);
    if (done.exit != 0) return fail(Code::kUnavailable, done.err);
  }
  return {};
}

std::vector<AuditEvent> ApiServer::audit_events() const {
  std::ifstream file(dir_ / "audit.log");
  std::vector<AuditEvent> events;
  std::map<std::string, size_t> by_id;
  for (std::string line; std::getline(file, line);) {
    // A line that is being written does not parse; it is the last.
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) continue;
    const auto [at, is_new] =
        by_id.emplace(text(json, "auditID"), events.size());
    if (is_new) events.emplace_back();
    merge(events[at->second], json);
  }
  return events;
}

std::size_t ApiServer::writes(const std::string& resource) const {
  const auto events = audit_events();
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(), [&](const AuditEvent& e) {
        return e.resource == resource && e.is_write();
      }));
}

}  // namespace chrysalis::kube_tools
