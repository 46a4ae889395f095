#pragma once

// The API server's share of a boot: the very writes that were seen of a VM,
// sent again to a kind that nobody reconciles, with the same bodies, by one
// client over one connection.
// Thread-safety: one thread. Errors: as Client's.

#include <string>
#include <vector>

#include "controller/kube/client.h"
#include "tests/bench/drive/watcher.h"

namespace chrysalis::bench {

struct BareTimes {
  // From the create to the watch's showing of the last write.
  double in_a_row_ms = 0;  // each sent when the one before was answered
  double in_turn_ms = 0;   // each sent when the watch showed the one before
};

class BareApi {
 public:
  BareApi(kube::Client& client, Watcher& watcher)
      : client_(client), watcher_(watcher) {}

  // spec: as it was applied; history: what a watch showed of that VM.
  Result<BareTimes> replay(const nlohmann::json& spec,
                           const std::vector<Seen>& history);

 private:
  struct Write {
    bool finalizers = false;  // else the status
    nlohmann::json value;
  };
  static std::vector<Write> writes_of(const std::vector<Seen>& history);
  Result<double> send(const nlohmann::json& spec,
                      const std::vector<Write>& writes, bool in_turn);

  kube::Client& client_;
  Watcher& watcher_;
  int next_ = 0;
};

}  // namespace chrysalis::bench
