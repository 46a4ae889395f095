#pragma once

// The house as tables: which folder may include what, and which files are
// PURE. Source: CONTRIBUTING.md and the README of each folder.

#include <span>
#include <string_view>
#include <vector>

namespace chrysalis::house {

// A folder and what it may include beside itself: other folders, or single
// headers where a folder lends only its vocabulary.
struct Row {
  std::string_view folder;
  std::vector<std::string_view> may;
};
std::span<const Row> arrows();

// A row for `folder`, or null.
const Row* row_of(std::string_view folder);

// True where `path` must do no I/O, log nothing, read no clock, start no
// thread and take no lock.
bool is_pure(std::string_view path);

// Files named one by one in the PURE table: each must exist, or a rename would
// take its promise away in silence.
std::span<const std::string_view> pure_stems();

// May a PURE file include this system header itself? `folder` is the file's.
bool pure_may_include(std::string_view header, std::string_view folder);

// Project headers that a PURE file may not reach, not even through others.
bool does_io(std::string_view project_header);

}  // namespace chrysalis::house
