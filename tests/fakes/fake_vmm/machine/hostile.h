#pragma once

// What a VMM that its guest took over may do to its host: the words behind
// `hostile-*` in faults.h. It says on stderr what it could not do.
// Thread-safety: none.

#include <string>

#include "tests/fakes/fake_vmm/faults.h"

namespace chrysalis::fake_vmm {

// After a dump into `directory` with its memory in `memory`.
void after_dump(Faults& faults, const std::string& directory,
                const std::string& memory);

}  // namespace chrysalis::fake_vmm
