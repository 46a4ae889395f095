#include "tests/bench/drive/bare_api.h"

#include <utility>

#include "tests/bench/drive/cluster_world.h"
#include "tests/bench/drive/stopwatch.h"

namespace chrysalis::bench {
namespace {

using nlohmann::json;

constexpr seconds kWithin{20};

json part(const json& object, const char* pointer) {
  const json::json_pointer at(pointer);
  return object.contains(at) ? object.at(at) : json();
}

bool has_version(const Seen& seen, const std::string& version) {
  return part(seen.object, "/metadata/resourceVersion") == version;
}

}  // namespace

std::vector<BareApi::Write> BareApi::writes_of(
    const std::vector<Seen>& history) {
  std::vector<Write> writes;
  for (size_t i = 1; i < history.size(); ++i) {
    const json& before = history[i - 1].object;
    const json& after = history[i].object;
    for (const char* what : {"/metadata/finalizers", "/status"})
      if (const json now = part(after, what);
          !now.is_null() && now != part(before, what))
        writes.push_back({std::string(what) != "/status", now});
  }
  return writes;
}

Result<BareTimes> BareApi::replay(const json& spec,
                                  const std::vector<Seen>& history) {
  const auto writes = writes_of(history);
  BareTimes times;
  CHRYSALIS_ASSIGN(times.in_a_row_ms, send(spec, writes, false));
  CHRYSALIS_ASSIGN(times.in_turn_ms, send(spec, writes, true));
  return times;
}

Result<double> BareApi::send(const json& spec, const std::vector<Write>& writes,
                             bool in_turn) {
  const kube::ObjectName name{"default", "bare-" + std::to_string(next_++)};
  const json object = {{"apiVersion", "chrysalis.dev/v1alpha1"},
                       {"kind", "BareMachine"},
                       {"metadata", {{"name", name.name}}},
                       {"spec", spec}};
  std::string version;
  const auto shown = [&](const Seen& seen) {
    return has_version(seen, version);
  };
  const Mono from = Mono::clock::now();
  CHRYSALIS_ASSIGN(auto made, client_.create(kBare, name.ns, object));
  version = made.meta.resource_version;
  for (const Write& write : writes) {
    if (in_turn) CHRYSALIS_TRY(watcher_.wait(name.name, shown, kWithin));
    auto answer =
        write.finalizers
            ? client_.set_finalizers(
                  kBare, {name, version},
                  write.value.get<std::vector<std::string>>())
            : client_.apply_status(kBare, {name, version}, write.value);
    if (!answer) return tl::unexpected(std::move(answer).error());
    version = answer->meta.resource_version;
  }
  CHRYSALIS_ASSIGN(const Seen last, watcher_.wait(name.name, shown, kWithin));
  CHRYSALIS_TRY(client_.set_finalizers(kBare, {name, version}, {}));
  CHRYSALIS_TRY(client_.remove(kBare, name));
  CHRYSALIS_TRY(watcher_.wait(name.name, is_deleted, kWithin));
  (void)watcher_.take(name.name);
  return in_ms(from, last.at);
}

}  // namespace chrysalis::bench
