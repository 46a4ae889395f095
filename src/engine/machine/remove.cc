// DeleteVm, DeleteSnapshot, Import.
//
//   DeleteVm:        Ask --(off, or grace over)--> End --> Release --> Remove
//                     '- not askable: from here ----^                    |
//                    (any no: failed, and asked again:                   v
//                     the record dies last)                              ok
//   DeleteSnapshot:  Preflight --held--> refused
//                       v
//                    Remove --> ok
//   Import:          Preflight --no--> refused
//                       v
//                    TakeIn --> ok
//                       '- no --> Discard --> failed

#include "src/engine/machine/rules.h"

namespace chrysalis::engine::rules {

Plan plan(DeleteVmStep step, const Facts& facts) {
  switch (step) {
    case DeleteVmStep::kAsk:
      if (!facts.can_ask) return {true, {}};
      return {true, {act(Do::kAskGuest, Which::kCurrent, facts.grace)}};
    case DeleteVmStep::kEnd:
      // By signal at once: no disk of it is read again. A restore that was
      // cut off may have left a second one.
      return {false, {act(Do::kKill), act(Do::kKill, Which::kNext)}};
    case DeleteVmStep::kRelease:
      return {false, {act(Do::kNetworkDown)}};
    case DeleteVmStep::kRemove:
      return {false, {act(Do::kRemoveVm)}};
  }
  return {};
}

Move move(DeleteVmStep step, Kind, const Facts&, Happened what) {
  switch (step) {
    case DeleteVmStep::kAsk:
      if (what == Happened::kNotJournalled) return failed();
      return go(DeleteVmStep::kEnd);
    case DeleteVmStep::kEnd:
      return done(what) ? go(DeleteVmStep::kRelease) : failed();
    case DeleteVmStep::kRelease:
      return done(what) ? go(DeleteVmStep::kRemove) : failed();
    case DeleteVmStep::kRemove:
      return done(what) ? ok() : failed();
  }
  return failed();
}

Plan plan(DeleteSnapshotStep step, const Facts& facts) {
  switch (step) {
    case DeleteSnapshotStep::kPreflight:
      return {false, {act(Do::kPreflight)}};
    case DeleteSnapshotStep::kRemove:
      return {true,
              {act(facts.retain ? Do::kRetainSnapshot : Do::kRemoveSnapshot)}};
  }
  return {};
}

Move move(DeleteSnapshotStep step, Kind, const Facts&, Happened what) {
  switch (step) {
    case DeleteSnapshotStep::kPreflight:
      return done(what) ? go(DeleteSnapshotStep::kRemove) : refused();
    case DeleteSnapshotStep::kRemove:
      return done(what) ? ok() : failed();
  }
  return failed();
}

Plan plan(ImportStep step, const Facts&) {
  switch (step) {
    case ImportStep::kPreflight:
      return {false, {act(Do::kPreflight)}};
    case ImportStep::kTakeIn:
      return {true, {act(Do::kTakeIn), act(Do::kPublish)}};
    case ImportStep::kDiscard:
      return {false, {act(Do::kDropStaging)}};
  }
  return {};
}

Move move(ImportStep step, Kind, const Facts&, Happened what) {
  switch (step) {
    case ImportStep::kPreflight:
      return done(what) ? go(ImportStep::kTakeIn) : refused();
    case ImportStep::kTakeIn:
      if (what == Happened::kNotJournalled) return failed();
      return done(what) ? ok() : undo(ImportStep::kDiscard);
    case ImportStep::kDiscard:
      return failed();
  }
  return failed();
}

}  // namespace chrysalis::engine::rules
