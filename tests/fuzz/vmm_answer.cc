// What a VMM says that its guest took over: the body of each answer, and what
// it writes to its event file, in pieces.

#include "src/hypervisor/cloud_hypervisor/requests.h"
#include "src/hypervisor/events.h"
#include "src/hypervisor/firecracker/requests.h"
#include "tests/fuzz/target.h"

using namespace chrysalis;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  for (const unsigned status : {200U, 404U}) {
    hypervisor::HttpResponse answer;
    answer.status = status;
    answer.body = text;
    (void)hypervisor::cloud_hypervisor::check(answer);
    (void)hypervisor::cloud_hypervisor::decode_version(answer);
    (void)hypervisor::cloud_hypervisor::decode_state(answer);
    (void)hypervisor::cloud_hypervisor::decode_info(answer);
    (void)hypervisor::firecracker::check(answer);
    (void)hypervisor::firecracker::decode_version(answer);
    (void)hypervisor::firecracker::decode_state(answer);
    (void)hypervisor::firecracker::decode_shape(answer, answer);
  }
  hypervisor::EventParser whole, cut;
  const auto at_once = whole.feed(text);
  auto in_pieces = cut.feed(text.substr(0, size / 2));
  for (auto& event : cut.feed(text.substr(size / 2)))
    in_pieces.push_back(std::move(event));
  fuzz::expect(at_once == in_pieces);
  return 0;
}
