// Runs a target over each file of a directory, and over damage of it: cut
// short, with single bytes flipped, with pieces of another file spliced in.
// The same inputs in each run. usage: NAME CORPUS

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/target.h"

namespace {

constexpr int kDamagedOfEach = 200;
using Random = std::mt19937;

std::vector<std::string> read_all(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> out;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    out.emplace_back(std::istreambuf_iterator<char>(file),
                     std::istreambuf_iterator<char>());
  }
  return out;
}

std::string damaged(std::string text, const std::string& other,
                    Random& random) {
  const auto below = [&](size_t n) { return n == 0 ? 0 : random() % n; };
  switch (random() % 3) {
    case 0:
      text.resize(below(text.size() + 1));
      break;
    case 1:
      for (int i = 0; i < 4 && !text.empty(); ++i)
        text[below(text.size())] = static_cast<char>(random());
      break;
    default:
      text.insert(below(text.size() + 1),
                  other.substr(below(other.size()), below(64)));
  }
  return text;
}

void run(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()),
                         text.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::vector<std::string> corpus = read_all(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: no corpus\n", argv[1]);
    return 1;
  }
  Random random(44);
  size_t runs = 0;
  for (const std::string& text : corpus) {
    run(text);
    for (int i = 0; i < kDamagedOfEach; ++i)
      run(damaged(text, corpus[random() % corpus.size()], random));
    runs += 1 + kDamagedOfEach;
  }
  std::printf("%zu inputs of %zu files\n", runs, corpus.size());
}
