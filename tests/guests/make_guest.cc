// make_guest NAME FLAT OUT: wraps flat code, linked at 0x100000 with its entry
// first, into an ELF64 with the PVH entry note, which both hypervisors boot.
// The text "chrysalis-guest: NAME" is appended to the loaded bytes.

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace {

constexpr uint64_t kBase = 0x100000;

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string note() {
  std::string out;
  put<uint32_t>(out, 4);   // namesz
  put<uint32_t>(out, 4);   // descsz
  put<uint32_t>(out, 18);  // XEN_ELFNOTE_PHYS32_ENTRY
  out.append("Xen\0", 4);
  put<uint32_t>(out, kBase);
  return out;
}

void program(std::string& out, uint32_t type, uint64_t offset, uint64_t paddr,
             uint64_t size, uint64_t align) {
  put<uint32_t>(out, type);
  put<uint32_t>(out, 7);
  put<uint64_t>(out, offset);
  put<uint64_t>(out, paddr);
  put<uint64_t>(out, paddr);
  put<uint64_t>(out, size);
  put<uint64_t>(out, size);
  put<uint64_t>(out, align);
}

std::string elf(const std::string& code) {
  constexpr uint64_t kNoteAt = 64 + 2 * 56;
  const std::string pvh = note();
  const uint64_t code_at = kNoteAt + pvh.size();
  std::string out(
      "\x7f"
      "ELF\2\1\1",
      7);
  out.append(9, '\0');
  put<uint16_t>(out, 2);   // executable
  put<uint16_t>(out, 62);  // x86-64
  put<uint32_t>(out, 1);
  put<uint64_t>(out, kBase);
  put<uint64_t>(out, 64);  // program headers
  put<uint64_t>(out, 0);
  put<uint32_t>(out, 0);
  constexpr uint16_t kSizes[] = {64, 56, 2, 64, 0, 0};
  for (const uint16_t size : kSizes) put(out, size);
  program(out, 1, code_at, kBase, code.size(), 1);  // PT_LOAD
  program(out, 4, kNoteAt, 0, pvh.size(), 4);       // PT_NOTE
  return out + pvh + code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: make_guest NAME FLAT OUT\n";
    return 2;
  }
  std::ifstream in(argv[2], std::ios::binary);
  std::string code{std::istreambuf_iterator<char>(in), {}};
  if (code.empty()) {
    std::cerr << "make_guest: " << argv[2] << " is empty or missing\n";
    return 1;
  }
  code += "\nchrysalis-guest: " + std::string(argv[1]) + "\n";
  std::ofstream out(argv[3], std::ios::binary);
  out << elf(code);
  return out.good() ? 0 : 1;
}
