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

// The exit status: run()'s, or 1 with the reason on stderr.
int run_isolated(seconds at_most,
                 const std::function<int(const std::filesystem::path&)>& run);

}  // namespace chrysalis::bench
