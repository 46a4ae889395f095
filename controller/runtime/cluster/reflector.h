#pragma once

// Keeps a store equal to one collection of the API server: one thread that
// drives kube::watch_step over a Transport, list pages and watches alike.
//
//   Transport -> lines -> Decoder -> project -> watch_step -> StoreCore
//
// What it adds to the machine: an object is projected before the machine is
// told of it, a stream that ends inside an event is broken and not ended,
// and time - the machine's timer fires inside a stream and between two.
// An event that did not decode still moves the store's version and so may
// open the version gate of its key: what is then planned is planned on the
// state before it, and its writes are refused by their resourceVersion. To be
// held until the gate gives up would cost the object more.
// Life: handlers and indexes, then start(), then stop() or destruction. A
// handler must not stop the reflector that calls it.
// Thread-safety: start and stop from one thread, the rest from any.
// Ownership: borrows everything in Deps; all of it outlives this. The timer's
// clock must be the one by which the transport judges deadlines.

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "controller/kube/requests.h"
#include "controller/kube/transport.h"
#include "controller/kube/watch_step.h"
#include "controller/runtime/store_core.h"
#include "controller/runtime/timer.h"

namespace chrysalis::runtime {

// What the store keeps of an object, from its metadata and its text. Total;
// an error names what does not fit, and the object is reported and skipped.
using ProjectObject = std::function<Result<std::shared_ptr<const void>>(
    const kube::ObjectMeta& meta, kube::PaddedJson object)>;

struct ReflectorOptions {
  kube::WatchOptions watch{};
  milliseconds list_timeout{60'000};  // of one page
  bool metadata_only = false;         // ask for PartialObjectMetadata
  std::function<double()> jitter{};   // in [0, 1); nothing: random
  std::function<void()> on_synced{};  // once, after the handlers
};

class Reflector {
 public:
  struct Deps {
    kube::Transport& transport;
    StoreCore& store;
    Timer& timer;
  };
  Reflector(Deps deps, kube::Collection collection, ProjectObject project,
            ReflectorOptions options = {});
  ~Reflector();  // stop()
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  void start();
  // Ends the I/O and joins: no handler is called after the return.
  void stop();

  // The first list is in the store and its handlers were called.
  [[nodiscard]] bool synced() const { return synced_; }
  // Blocks; false when the deadline or a stop came first.
  bool wait_until_synced(Mono deadline);

  [[nodiscard]] uint64_t count(kube::Counter counter) const;

 private:
  struct Item {  // an object between the wire and the store
    ObjectKey key;
    StoredObject stored;  // its object is null when `fault` is not ""
    std::string fault;
    bool modified = false;
    [[nodiscard]] bool decoded() const { return fault.empty(); }
  };
  class Sink;

  void run();
  void wait_for_timer(const std::stop_token& stop);
  void list(const kube::action::StartList& request,
            const std::stop_token& stop);
  void watch(const kube::action::StartWatch& request,
             const std::stop_token& stop);
  void failed(uint64_t attempt, const Error& error);
  void line(uint64_t attempt, kube::PaddedJson text);
  [[nodiscard]] bool streams(uint64_t attempt) const;
  Item item_of(kube::ObjectMeta meta, kube::PaddedJson object,
               std::string fault, bool wanted) const;
  [[nodiscard]] Result<std::shared_ptr<const void>> projected_of(
      const kube::ObjectMeta& meta, kube::PaddedJson object) const;
  void stage(Item item);

  template <class What>
  void feed(uint64_t attempt, What what);
  void carry_out(const kube::Action& action);
  void swap(const std::string& version);
  void warn(const kube::action::Warn& warning) const;

  const Deps deps_;
  const kube::Collection collection_;
  const ProjectObject project_;
  const ReflectorOptions options_;

  // ---- of the thread alone
  kube::Decoder decoder_;
  kube::WatchState state_;
  StoreStage stage_;
  std::vector<Item> page_;    // what a Page input brought
  std::optional<Item> item_;  // what an Event input brought
  std::optional<kube::action::StartList> next_list_;
  std::optional<kube::action::StartWatch> next_watch_;
  std::stop_source stream_;  // ends the stream in flight

  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable wake_;  // a stop, or synced_
  std::atomic<bool> synced_ = false;
  std::array<std::atomic<uint64_t>, 7> counts_{};
  std::thread thread_;  // last: it uses all the others
};

}  // namespace chrysalis::runtime
