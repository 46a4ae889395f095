#pragma once

// What a benchmark program hands over: rows of one figure each, as JSON. How a
// figure is called, budgeted and ordered in the table is not said here
// (budgets.json), but how it was measured is.
// Thread-safety: one thread.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace chrysalis::bench {

struct Row {
  std::string id;    // "boot.added.p50"; a row of budgets.json may name it
  std::string what;  // for people
  double value = 0;
  std::string unit;  // "ms", "MB", ...; "": a count
  std::string how;   // how it was measured, and of how many
  std::optional<double> low = {}, high = {};  // 95 % of a median, if known
};

// Of samples in any order; nearest rank. REQUIRES: not empty.
double percentile(std::vector<double> samples, double percent);

class Rows {
 public:
  void add(Row row) { rows_.push_back(std::move(row)); }
  // The rows <id>.p10 (a quiet moment's), <id>.p50 (with its 95 % bounds) and
  // <id>.p99 of these samples; a note of none.
  void add_quantiles(const std::string& id, const std::string& what,
                     const std::vector<double>& samples,
                     const std::string& unit, const std::string& how);
  // What was not done, and why; said below the table.
  void note(std::string text) { notes_.push_back(std::move(text)); }

  // Of the machine and the run: "hypervisors", "simulated".
  void fact(const std::string& key, std::string value) {
    facts_[key] = std::move(value);
  }

  [[nodiscard]] nlohmann::json to_json() const;
  // False, said on stderr, when the file could not be written.
  [[nodiscard]] bool write(const std::string& path) const;

 private:
  std::vector<Row> rows_;
  std::vector<std::string> notes_;
  std::map<std::string, std::string> facts_;
};

}  // namespace chrysalis::bench
