#pragma once

// Who a node is: its name, and the finalizer that marks its objects.
// Thread-safety: any thread.

#include <filesystem>
#include <string>
#include <string_view>

#include "controller/program/options.h"
#include "src/base/file_system.h"
#include "src/base/result.h"

namespace chrysalis::program {

// The flag's, else the host's. kInvalid: no DNS-1123 subdomain, which names of
// nodes and leases are.
Result<std::string> node_name_of(const NodeFlags& flags);

// "chrysalis.dev/node-<16 hex digits of the name's hash>": a name may be
// longer than a finalizer's.
std::string node_finalizer(std::string_view node);

// A random uid that stays with the state of this host over every restart: two
// hosts of one name have two. One that cannot be read as such is replaced.
Result<std::string> node_instance(FileSystem& files,
                                  const std::filesystem::path& file);

// gethostname; "" without one.
std::string host_name();

}  // namespace chrysalis::program
