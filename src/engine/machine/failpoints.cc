#include "src/engine/failpoints.h"

namespace chrysalis::engine {

std::string_view to_string(Place place) {
  switch (place) {
    case Place::kIntent:
      return "Intent";
    case Place::kJournalled:
      return "Journalled";
    case Place::kActed:
      return "Acted";
    case Place::kEnd:
      return "End";
  }
  return "";
}

std::string name_of(const Failpoint& point) {
  return std::string(to_string(point.kind)) + "/" +
         std::string(to_string(point.step)) + "/" +
         std::string(to_string(point.place));
}

std::vector<Failpoint> failpoints() {
  std::vector<Failpoint> all;
  for (uint8_t k = 0; k <= static_cast<uint8_t>(Kind::kReap); ++k)
    for (const Step& step : steps_of(static_cast<Kind>(k)))
      for (const Place place : kAllPlaces)
        all.push_back({static_cast<Kind>(k), step, place});
  return all;
}

}  // namespace chrysalis::engine
