#include "tests/fakes/fake_vmm/machine/kernel_image.h"

#include <cstring>
#include <sstream>
#include <string>

namespace chrysalis::fake_vmm {
namespace {

constexpr std::string_view kText = "simulated-guest";
// namesz 4, descsz 4, type XEN_ELFNOTE_PHYS32_ENTRY, "Xen\0".
constexpr std::string_view kPvhNote("\4\0\0\0\4\0\0\0\x12\0\0\0Xen\0", 16);

bool is_bzimage(std::string_view bytes) {
  return bytes.size() > 0x206 && bytes.substr(0x202, 4) == "HdrS";
}

}  // namespace

KernelImage read_kernel(std::string_view bytes) {
  KernelImage image;
  if (bytes.starts_with(kText)) {
    image.valid = image.pvh_elf = true;
    std::istringstream words{std::string(bytes.substr(kText.size(), 256))};
    for (std::string word; words >> word;) {
      if (word == "eject") image.abilities |= kEjects;
      if (word == "acpi") image.abilities |= kHearsPowerButton;
      if (word == "deaf") image.abilities |= kIgnoresCtrlAltDel;
    }
    return image;
  }
  const bool elf =
      bytes.starts_with(std::string_view("\x7f"
                                         "ELF\2\1",
                                         6));
  image.pvh_elf = elf && bytes.find(kPvhNote) != std::string_view::npos;
  image.valid = elf || is_bzimage(bytes);
  if (bytes.find("chrysalis-guest: eject64") != std::string_view::npos) {
    image.abilities |= kEjectsAt36Bits;
  }
  // Our assembler guests listen to no keyboard.
  if (bytes.find("chrysalis-guest: ") != std::string_view::npos) {
    image.abilities |= kIgnoresCtrlAltDel;
  }
  return image;
}

}  // namespace chrysalis::fake_vmm
