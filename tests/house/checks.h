#pragma once

// Each rule of the house as a function from a tree of files to findings. A
// finding is "path:line: what is wrong and what to do"; none means the rule
// holds. Thread-safety: functions of their arguments, but for read_tree.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace chrysalis::house {

using Tree = std::map<std::string, std::string>;  // path from the root -> text
using Findings = std::vector<std::string>;

// The files below these folders of the root; a folder that is not there has
// none.
Tree read_tree(const std::filesystem::path& root,
               const std::vector<std::string>& folders);

// src never includes controller; every include of src and controller is
// written from the root, exists, and is allowed by the table of arrows.
Findings forbidden_arrows(const Tree& tree);

// The table itself: each row points only to rows above it.
Findings table_loops();

// PURE files include nothing that does I/O, logs, reads a clock or knows
// threads, neither themselves nor through headers of this project, and do not
// call a clock or the environment.
Findings impurities(const Tree& tree);
// The PURE files that the table names and the tree does not have.
Findings lost_pure_files(const Tree& tree);

// Below src nobody says what the cluster is.
Findings cluster_words(const Tree& tree);

// A folder that makes a library has a README.md of at most 20 lines.
Findings missing_readmes(const Tree& tree);

// No file is longer than 600 lines (golden files and lists of hashes are).
Findings long_files(const Tree& tree);

// Nobody waits for time to pass.
Findings sleeps(const Tree& tree);

}  // namespace chrysalis::house
