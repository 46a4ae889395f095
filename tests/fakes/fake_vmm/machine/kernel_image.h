#pragma once

// What the simulated guest can do is said by its kernel image:
//   an ELF64 with the PVH note, or a bzImage      counts, deaf to hot-plug
//   ... that holds `chrysalis-guest: `            is deaf to Ctrl-Alt-Del too
//   ... that holds `chrysalis-guest: eject64`     ejects removed devices, if
//                                                 the VM has 36 address bits
//   a text `simulated-guest WORD ...`             of the words
//        eject   removed devices are ejected at the next tick
//        acpi    the power button of Cloud Hypervisor powers it off
//        deaf    Ctrl-Alt-Del is ignored
// Anything else is refused at boot, as the real programs refuse it.

#include <cstdint>
#include <string_view>

namespace chrysalis::fake_vmm {

struct KernelImage {
  bool valid = false;
  bool pvh_elf = false;
  uint32_t abilities = 0;
};

constexpr uint32_t kEjects = 1;
constexpr uint32_t kEjectsAt36Bits = 2;
constexpr uint32_t kHearsPowerButton = 4;
constexpr uint32_t kIgnoresCtrlAltDel = 8;

KernelImage read_kernel(std::string_view bytes);

}  // namespace chrysalis::fake_vmm
