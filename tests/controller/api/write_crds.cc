// write_crds DIR: writes crds/*.yaml (`make crds`).

#include <fstream>
#include <iostream>

#include "controller/api/crd.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_crds DIR\n";
    return 2;
  }
  for (const auto kind : chrysalis::api::kKinds) {
    const std::string path =
        std::string(argv[1]) + "/" + chrysalis::api::crd_file_name(kind);
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << chrysalis::api::crd_yaml(kind);
    if (!out.flush()) {
      std::cerr << "write_crds: cannot write " << path << "\n";
      return 1;
    }
    std::cout << path << "\n";
  }
}
