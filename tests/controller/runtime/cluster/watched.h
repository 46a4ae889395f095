#pragma once

// One collection watched from a scripted server over a real socket: what the
// server says step by step, and what the store's handlers were told.
// Thread-safety: the test's thread, but for what the script runs on its own.

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controller/kube/beast/beast_transport.h"
#include "controller/runtime/cluster/reflector.h"
#include "controller/runtime/store.h"
#include "tests/fakes/fake_kube.h"
#include "tests/fakes/leap_timer.h"

namespace chrysalis::runtime::testing {

// Bounded: false after 20 s.
bool eventually(const std::function<bool()>& holds);

// ---- what the server says (coordination.k8s.io Leases)
// "\"metadata\"..." of an object whose spec.holderIdentity is `value`.
std::string object(const std::string& name, const std::string& version,
                   const std::string& value = "v", const std::string& uid = "");
std::string event(const std::string& type, const std::string& name,
                  const std::string& version, const std::string& value = "v");
std::string bookmark(const std::string& version, bool end = false);
std::string list(const std::string& version, const std::string& next,
                 const std::vector<std::string>& objects);
std::string refusal(int code, const std::string& reason);

using Step = std::function<void(const fakes::SeenRequest&, fakes::Reply&)>;
Step answer(int status, const std::string& body,
            const std::string& headers = "");
// Opens a stream, says the chunks; then it ends, or stays silent.
Step ends(std::vector<std::string> chunks);
Step stays(std::vector<std::string> chunks);

// Request n gets step n; later ones are left without an answer.
class Script {
 public:
  explicit Script(std::vector<Step> steps) : steps_(std::move(steps)) {}
  void operator()(const fakes::SeenRequest& seen, fakes::Reply& reply);

 private:
  std::vector<Step> steps_;
  std::mutex mutex_;
  size_t next_ = 0;
};

struct WatchedOptions {
  bool watch_list = true;
  ReflectorOptions reflector{};
  std::optional<fakes::FakeTls> tls{};
  std::string ca{};  // "": plain
};

class Watched {
 public:
  explicit Watched(std::vector<Step> steps, WatchedOptions options = {});
  ~Watched();

  // name -> holderIdentity
  [[nodiscard]] std::map<std::string, std::string> held() const;
  // "+a ~a -a *a": added, updated, deleted, released, in order.
  [[nodiscard]] std::string told() const;
  bool await_told(const std::string& all);
  [[nodiscard]] std::vector<std::string> targets() const;

  Script script;
  fakes::FakeKube server;
  std::unique_ptr<kube::beast::BeastTransport> transport;
  LeapTimer timer;
  Store<std::string> store;
  Reflector reflector;
  std::function<void(const Delivery&)> on_delivery;  // before start()

 private:
  mutable std::mutex mutex_;
  std::string told_;
};

}  // namespace chrysalis::runtime::testing
