#pragma once

// What an API server says of a VM that runs, byte for byte of the shape and
// the size that bench_cluster sees (watch.line in its rows): spec with the
// defaults filled in, the whole status, managedFields of user and agent.
// Thread-safety: functions.

#include <cstddef>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace chrysalis::bench {

// Of the n-th VM; names, uids and addresses differ.
nlohmann::json running_vm(size_t n);
// "{"type":TYPE,"object":...}\n"
std::string watch_line(const std::string& type, size_t n);
std::string end_of_initial_events(size_t version);

}  // namespace chrysalis::bench
