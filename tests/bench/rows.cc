#include "tests/bench/rows.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>

#include <nlohmann/json.hpp>

namespace chrysalis::bench {
namespace {

using nlohmann::json;

// Of sorted samples, by rank from 1.
double at_rank(const std::vector<double>& sorted, double rank) {
  const auto last = static_cast<double>(sorted.size());
  return sorted[static_cast<size_t>(std::clamp(rank, 1.0, last)) - 1];
}

}  // namespace

double percentile(std::vector<double> samples, double percent) {
  std::ranges::sort(samples);
  return at_rank(samples, std::ceil(percent / 100.0 *
                                    static_cast<double>(samples.size())));
}

void Rows::add_quantiles(const std::string& id, const std::string& what,
                         const std::vector<double>& samples,
                         const std::string& unit, const std::string& how) {
  if (samples.empty()) return note(what + ": no sample");
  std::vector<double> sorted = samples;
  std::ranges::sort(sorted);
  const auto n = static_cast<double>(sorted.size());
  // Ranks that hold the true median 19 times of 20, whatever the distribution.
  const double half = 0.98 * std::sqrt(n);
  const std::string of = how + "; n=" + std::to_string(sorted.size());
  add({.id = id + ".p10",
       .what = what + ", p10",
       .value = percentile(sorted, 10),
       .unit = unit,
       .how = of});
  add({.id = id + ".p50",
       .what = what + ", p50",
       .value = percentile(sorted, 50),
       .unit = unit,
       .how = of,
       .low = at_rank(sorted, std::floor(n / 2 - half)),
       .high = at_rank(sorted, std::ceil(n / 2 + half) + 1)});
  add({.id = id + ".p99",
       .what = what + ", p99",
       .value = percentile(sorted, 99),
       .unit = unit,
       .how = of});
}

json Rows::to_json() const {
  json rows = json::array();
  for (const Row& row : rows_) {
    json out = {{"id", row.id},
                {"what", row.what},
                {"value", row.value},
                {"unit", row.unit},
                {"how", row.how}};
    if (row.low) out["low"] = *row.low;
    if (row.high) out["high"] = *row.high;
    rows.push_back(std::move(out));
  }
  return {{"rows", std::move(rows)}, {"notes", notes_}, {"facts", facts_}};
}

bool Rows::write(const std::string& path) const {
  std::ofstream out(path);
  out << to_json().dump(1) << "\n";
  out.close();
  if (out) return true;
  std::cerr << path << ": cannot be written\n";
  return false;
}

}  // namespace chrysalis::bench
