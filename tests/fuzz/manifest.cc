// A manifest that a user wrote, as `chrysalis check` reads it.

#include <nlohmann/json.hpp>

#include "controller/admission/check.h"
#include "tests/fuzz/target.h"

using namespace chrysalis;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const admission::Input input{"a.yaml",
                               std::string(fuzz::text_of(data, size))};
  const admission::Report report = admission::check({&input, 1});
  fuzz::expect(report.exit_code() == 0 || !report.findings.empty());
  fuzz::expect(nlohmann::json::accept(admission::to_json(report)));
  fuzz::expect(nlohmann::json::accept(admission::to_sarif(report)));
  (void)admission::to_text(report);
  return 0;
}
