#pragma once

// How a VM ended, between the record and what is shown. PURE: values.

#include <optional>

#include "src/engine/view.h"
#include "src/store/records.h"

namespace chrysalis::engine {

[[nodiscard]] ExitView power_off_at(Wall at);
[[nodiscard]] store::Exit to_record(const ExitView& exit);

// The last one that was recorded, of whatever life.
[[nodiscard]] std::optional<ExitView> recorded_exit(
    const store::VmRecord& record);

// The power-off of the life that the record tells of; nothing: none was seen,
// or it is of a life before.
[[nodiscard]] std::optional<ExitView> recorded_power_off(
    const store::VmRecord& record);

}  // namespace chrysalis::engine
