// Watch decode: bytes of a stream to objects, as the reflector does it.

#include <benchmark/benchmark.h>

#include <nlohmann/json.hpp>

#include "controller/api/objects/codec.h"
#include "controller/kube/decode.h"
#include "controller/runtime/cluster/projection.h"
#include "tests/bench/micro/realistic.h"

namespace chrysalis::bench {
namespace {

constexpr size_t kLines = 500;
constexpr size_t kPiece = size_t{16} << 10;  // of a TLS record

const kube::KindName kKind{"chrysalis.dev/v1alpha1", "VirtualMachine"};

std::string stream() {
  std::string out;
  for (size_t i = 0; i < kLines; ++i) out += watch_line("MODIFIED", i);
  return out;
}

// Calls `each` for every line, the bytes in pieces as a socket brings them.
template <class Each>
void walk(benchmark::State& state, Each each) {
  const std::string bytes = stream();
  size_t lines = 0;
  for (auto _ : state) {
    kube::LineSplitter splitter;
    for (size_t at = 0; at < bytes.size(); at += kPiece) {
      const auto fed = splitter.feed(std::string_view(bytes).substr(at, kPiece),
                                     [&](kube::PaddedJson l) {
                                       ++lines;
                                       return each(l);
                                     });
      if (!fed) state.SkipWithError(fed.error().message.c_str());
    }
  }
  if (lines != kLines * static_cast<size_t>(state.iterations()))
    state.SkipWithError("lines were lost");
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(bytes.size()));
}

void watch_split(benchmark::State& state) {
  walk(state, [](kube::PaddedJson line) {
    benchmark::DoNotOptimize(line.data);
    return true;
  });
}
BENCHMARK(watch_split);

void watch_metadata(benchmark::State& state) {
  kube::Decoder decoder(kKind);
  walk(state, [&](kube::PaddedJson line) {
    const auto event = decoder.event(line);
    return event && event->fault.empty();
  });
}
BENCHMARK(watch_metadata);

// All of it: to an api::VirtualMachine, which the cache would keep.
void watch_decode(benchmark::State& state) {
  kube::Decoder decoder(kKind);
  kube::JsonReader reader;
  walk(state, [&](kube::PaddedJson line) {
    const auto event = decoder.event(line);
    if (!event || !event->fault.empty()) return false;
    const auto vm =
        runtime::project<api::VirtualMachine>(reader, event->object);
    return vm && vm->status.phase == api::VmPhase::kRunning;
  });
}
BENCHMARK(watch_decode);

void status_encode(benchmark::State& state) {
  const auto vm = api::decode_vm(running_vm(1));
  int64_t bytes = 0;
  for (auto _ : state) {
    const std::string text = api::encode_status(vm->status).dump();
    bytes += static_cast<int64_t>(text.size());
  }
  state.SetBytesProcessed(bytes);
}
BENCHMARK(status_encode);

}  // namespace
}  // namespace chrysalis::bench
