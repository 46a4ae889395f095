#include "tests/fakes/fake_vmm/ch/events.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace chrysalis::fake_vmm::ch {

Events::Events(UniqueFd file)
    : file_(std::move(file)), start_(std::chrono::steady_clock::now()) {
  if (file_.valid()) {
    ::fcntl(file_.get(), F_SETFL, ::fcntl(file_.get(), F_GETFL) | O_NONBLOCK);
  }
}

void Events::emit(std::string_view source, std::string_view event,
                  const std::map<std::string, std::string>& properties) {
  if (!file_.valid()) return;
  const auto since = std::chrono::steady_clock::now() - start_;
  const auto nanos =
      std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
  nlohmann::ordered_json line;
  line["timestamp"] = {{"secs", nanos / 1'000'000'000},
                       {"nanos", nanos % 1'000'000'000}};
  line["source"] = source;
  line["event"] = event;
  line["properties"] = properties.empty() ? nlohmann::ordered_json()
                                          : nlohmann::ordered_json(properties);
  const std::string text = line.dump(2) + "\n\n";
  (void)!::write(file_.get(), text.data(), text.size());
}

}  // namespace chrysalis::fake_vmm::ch
