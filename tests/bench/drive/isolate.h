#pragma once

// A world of its own for a benchmark: mounts, network (with loopback) and
// processes. All that runs in it dies with it, VMMs and shims too, and nothing
// is left on the host, however it ends: by return, signal or deadline.
//
//   this process -- init of the namespace -- worker: run(directory)
//     waits,          reaps orphans            starts what it likes
//     removes the directory at the end
//
// REQUIRES: root, one thread.

#include <filesystem>
#include <functional>
#include <string>

#include "src/base/clock.h"

namespace chrysalis::bench {

// A whole main(), of NAME BUILD_DIR OUT.json: run() gets a directory of that
// world and both. The exit status: run()'s; 1 with the reason on stderr; 2 for
// wrong usage.
using IsolatedBench = std::function<int(const std::filesystem::path& root,
                                        const std::filesystem::path& build,
                                        const std::filesystem::path& out)>;
int isolated_main(const std::string& name, seconds at_most, int argc,
                  char** argv, const IsolatedBench& run);

}  // namespace chrysalis::bench
