#include "tests/house/checks.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <set>
#include <string_view>

#include "tests/house/rules.h"
#include "tests/house/scan.h"

namespace chrysalis::house {
namespace {

constexpr int kLongestFile = 600;
constexpr int kLongestReadme = 20;

bool is_cpp(std::string_view path) {
  return path.ends_with(".h") || path.ends_with(".cc");
}

bool is_source(std::string_view path) {
  return is_cpp(path) &&
         (path.starts_with("src/") || path.starts_with("controller/"));
}

std::string folder_of(std::string_view path) {
  return std::string(path.substr(0, path.rfind('/')));
}

std::string finding(std::string_view path, int line, const std::string& what) {
  return std::string(path) + ":" + std::to_string(line) + ": " + what;
}

// What is wrong with one include of one file, or nothing.
std::string objection(const Tree& tree, const std::string& path,
                      const Include& include) {
  const std::string from = folder_of(path);
  const std::string to = folder_of(include.name);
  if (path.starts_with("src/") && include.name.starts_with("controller/")) {
    return "src has never heard of controller: " + include.name;
  }
  if (!tree.contains(include.name)) {
    return "no such file from the root: " + include.name;
  }
  const Row* row = row_of(from);
  if (row == nullptr) {
    return "no row in the table of arrows (tests/house/rules.cc): " + from;
  }
  const auto allows = [&](std::string_view may) {
    return may == to || may == include.name;
  };
  if (from == to || std::ranges::any_of(row->may, allows)) return {};
  return "forbidden arrow: " + from + " -> " + include.name;
}

// The forbidden headers that a PURE file reaches. What it includes itself must
// be on the list of what computes; through others a path may come as a value.
class Reach {
 public:
  Reach(const Tree& tree, const std::string& path)
      : tree_(tree), path_(path), folder_(folder_of(path)) {}

  Findings run() {
    follow(path_, "");
    return std::move(findings_);
  }

 private:
  void follow(const std::string& file, const std::string& via) {
    const auto found = tree_.find(file);
    if (found == tree_.end() || !seen_.insert(file).second) return;
    for (const Include& include : includes_of(found->second)) {
      const int line = via.empty() ? include.line : line_;
      if (via.empty()) line_ = include.line;
      if (forbidden(include, !via.empty())) {
        const std::string through = via.empty() ? "" : " through " + via;
        findings_.push_back(finding(
            path_, line, "PURE, but includes " + include.name + through));
      } else if (include.quoted) {
        follow(include.name,
               via.empty() ? include.name : via + ", " + include.name);
      }
    }
  }
  [[nodiscard]] bool forbidden(const Include& include, bool indirect) const {
    if (include.quoted) return does_io(include.name);
    if (indirect && include.name == "filesystem") return false;
    return !pure_may_include(include.name, folder_);
  }

  const Tree& tree_;
  const std::string& path_;
  std::string folder_;
  std::set<std::string> seen_;
  Findings findings_;
  int line_ = 0;
};

void find_words(const std::string& path, const std::string& code,
                std::span<const std::string_view> words,
                const std::string& what, Findings& findings) {
  for (const std::string_view word : words) {
    for (const int line : lines_with_word(code, word)) {
      findings.push_back(finding(path, line, what + std::string(word)));
    }
  }
}

}  // namespace

Tree read_tree(const std::filesystem::path& root,
               const std::vector<std::string>& folders) {
  Tree tree;
  for (const std::string& folder : folders) {
    if (!std::filesystem::is_directory(root / folder)) continue;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(root / folder)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      tree[entry.path().lexically_relative(root).string()] =
          std::string(std::istreambuf_iterator<char>(file),
                      std::istreambuf_iterator<char>());
    }
  }
  return tree;
}

Findings forbidden_arrows(const Tree& tree) {
  Findings findings;
  for (const auto& [path, text] : tree) {
    const bool engine_test = is_cpp(path) && path.starts_with("tests/src/");
    if (!is_source(path) && !engine_test) continue;
    for (const Include& include : includes_of(text)) {
      if (!include.quoted) continue;
      std::string what;
      if (is_source(path)) {
        what = objection(tree, path, include);
      } else if (include.name.starts_with("controller/")) {
        what = "src is tested without controller: " + include.name;
      }
      if (!what.empty()) findings.push_back(finding(path, include.line, what));
    }
  }
  return findings;
}

Findings table_loops() {
  Findings findings;
  std::set<std::string_view> above;
  for (const Row& row : arrows()) {
    for (const std::string_view to : row.may) {
      if (to.ends_with(".h") || above.contains(to)) continue;
      findings.push_back(std::string(row.folder) + " -> " + std::string(to) +
                         ": not a row above it");
    }
    if (!above.insert(row.folder).second) {
      findings.push_back(std::string(row.folder) + ": two rows");
    }
  }
  return findings;
}

Findings impurities(const Tree& tree) {
  constexpr std::array<std::string_view, 8> kCalls = {
      "::now", "getenv", "rand", "random_device",
      "time",  "printf", "puts", "fopen"};
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!is_pure(path)) continue;
    const Findings reached = Reach(tree, path).run();
    findings.insert(findings.end(), reached.begin(), reached.end());
    // Only calls: "time" is also a good name for an argument.
    const std::string code = code_of(text, Literals::kBlank);
    for (const std::string_view name : kCalls) {
      const std::string call = std::string(name) + "(";
      size_t at = code.find(call);
      for (; at != std::string::npos; at = code.find(call, at + 1)) {
        const char before = at == 0 ? ' ' : code[at - 1];
        const bool part = std::isalnum(static_cast<unsigned char>(before)) != 0
                              ? name[0] != ':'
                              : before == '_' || before == '.';
        if (part) continue;
        const int line = 1 + count_lines(code.substr(0, at));
        findings.push_back(finding(path, line, "PURE, but calls " + call));
      }
    }
  }
  return findings;
}

Findings lost_pure_files(const Tree& tree) {
  Findings findings;
  for (const std::string_view stem : pure_stems()) {
    if (tree.contains(std::string(stem) + ".h")) continue;
    findings.push_back(std::string(stem) +
                       ".h: PURE in tests/house/rules.cc, but not there");
  }
  return findings;
}

Findings cluster_words(const Tree& tree) {
  constexpr std::array<std::string_view, 3> kAnywhere = {"kubernetes",
                                                         "kubectl", "k8s"};
  constexpr std::array<std::string_view, 2> kWhole = {"crd", "crds"};
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!path.starts_with("src/")) continue;
    const std::string low = lower(text);
    for (const std::string_view word : kAnywhere) {
      const size_t at = low.find(word);
      if (at == std::string::npos) continue;
      findings.push_back(
          finding(path, 1 + count_lines(low.substr(0, at)),
                  "src has never heard of it: " + std::string(word)));
    }
    find_words(path, low, kWhole, "src has never heard of it: ", findings);
  }
  return findings;
}

Findings missing_readmes(const Tree& tree) {
  Findings findings;
  for (const auto& [path, text] : tree) {
    const bool counts =
        path.starts_with("src/") || path.starts_with("controller/");
    if (!counts || !path.ends_with("/CMakeLists.txt")) continue;
    if (text.find("_library(") == std::string::npos &&
        text.find("add_executable(") == std::string::npos) {
      continue;
    }
    const std::string readme = folder_of(path) + "/README.md";
    const auto found = tree.find(readme);
    if (found == tree.end()) {
      findings.push_back(readme + ": missing: what belongs here, what does " +
                         "not, who may depend on it");
    } else if (count_lines(found->second) > kLongestReadme) {
      findings.push_back(readme + ": longer than 20 lines");
    }
  }
  return findings;
}

Findings long_files(const Tree& tree) {
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (path.starts_with("tests/golden/") || path.ends_with("/go.sum")) {
      continue;
    }
    const int lines = count_lines(text);
    if (lines > kLongestFile) {
      findings.push_back(finding(path, lines, "longer than 600 lines"));
    }
  }
  return findings;
}

Findings sleeps(const Tree& tree) {
  constexpr std::array<std::string_view, 5> kSleeps = {
      "sleep_for", "sleep_until", "usleep", "nanosleep", "clock_nanosleep"};
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!is_cpp(path)) continue;
    find_words(path, code_of(text, Literals::kBlank), kSleeps,
               "a deadline or an event instead of ", findings);
  }
  return findings;
}

}  // namespace chrysalis::house
