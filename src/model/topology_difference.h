#pragma once

// Whether what was loaded is what a snapshot froze, field by field: the first
// difference, in words that name the field and both values. Devices are
// compared by id, since not every VMM answers in the guest's order; what
// either side does not say (zero) is not compared. PURE.

#include <optional>
#include <string>
#include <string_view>

#include "src/model/topology.h"

namespace chrysalis::model {

// "nics[net0].mac: the snapshot has 02:..:01, 02:..:02 was loaded". words: the
// %s are the two values.
[[nodiscard]] std::optional<std::string> first_difference(
    const Topology& saved, const Topology& loaded,
    std::string_view words = "the snapshot has %s, %s was loaded");

}  // namespace chrysalis::model
