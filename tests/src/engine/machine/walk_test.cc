// Walks every operation through every way its world can go: each action works,
// is refused, times out or loses its VMM; the agent dies before and after each
// action, again while recovering, and with the host.
//
// With one mishap the promises hold to the letter; with three, what may never
// happen still never does.

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "tests/src/engine/machine/world.h"

namespace chrysalis::engine {
namespace {

using P = model::PowerState;

bool is_dead(Vm vm) { return vm == Vm::kNone || vm == Vm::kDead; }

struct Node {
  Operation op;
  World world;
  size_t action = 0;           // next of the step's actions
  std::optional<Step> intent;  // the last in the journal
  int mishaps = 0;             // left
  bool same_boot = true;
  bool recovered = false;
  bool silent = false;   // and its VMM said nothing of itself
  bool decided = false;  // by a living agent: all of it is to go

  auto key() const {
    return std::make_tuple(op.kind, op.facts.alive, op.step, op.end, op.worse,
                           op.reason, world, action, intent, mishaps, same_boot,
                           recovered, silent, decided, op.ran);
  }
};

class Walk {
 public:
  Walk(Kind kind, Facts facts, World world, int mishaps)
      : kind_(kind), facts_(facts), start_(world), budget_(mishaps) {
    visit({begin(kind, facts, Mono{}), world, 0, {}, mishaps, true});
  }

  size_t states() const { return seen_.size(); }
  std::set<End> ends;
  std::set<Step> steps;
  std::vector<std::string> broken;

 private:
  void visit(const Node& node) {
    if (!seen_.insert(node.key()).second) return;
    ASSERT_LT(seen_.size(), 2'000'000u) << "it does not end";
    steps.insert(node.op.step);
    if (node.op.end) return check_end(node);
    if (node.mishaps > 0) die(node);
    const Plan now = plan(node.op);
    if (!now.journal) return act_on(node, now);
    // The intent is durable before the first action; else there is none.
    if (node.mishaps > 0) {
      Node lost = node;
      --lost.mishaps;
      happen(lost, Happened::kNotJournalled);
      // A failed COMMIT may turn up all the same at the next start.
      lost.intent = node.op.step;
      happen(lost, Happened::kNotJournalled);
    }
    Node kept = node;
    kept.intent = node.op.step;
    if (node.op.step == Step{RestoreStep::kCommit}) kept.world.committed = true;
    if (node.mishaps > 0) die(kept);
    act_on(kept, now);
  }

  void act_on(const Node& node, const Plan& now) {
    if (node.action >= now.actions.size()) return happen(node, Happened::kDone);
    const Action& action = now.actions[node.action];
    check_action(node, action);
    for (const Way& way :
         ways(node.world, action, node.op.facts, node.mishaps > 0)) {
      Node after = node;
      after.world = way.world;
      after.mishaps -= way.fault ? 1 : 0;
      check_world(after, action);
      if (after.mishaps > 0) die(after);
      if (way.what != Happened::kDone) {
        happen(after, way.what);
        continue;
      }
      ++after.action;
      if (after.action >= now.actions.size())
        happen(after, Happened::kDone);
      else if (seen_.insert(after.key()).second)
        act_on(after, now);
    }
  }

  void happen(Node node, Happened what) {
    // Whoever asked it to go on and heard no does not wait to hear more.
    if (node.op.step == Step{CloneStep::kResume} && what != Happened::kDone)
      node.decided = true;
    node.op = advance(node.op, {what, Reason::kSpawnFailed, "x"}, Mono{});
    node.action = 0;
    visit(node);
  }

  // The agent's death, with or without the host's, and its successor.
  void die(const Node& node) {
    if (!node.intent) return;
    for (const bool same_boot : {true, false}) {
      Node next = node;
      --next.mishaps;
      next.recovered = true;
      next.same_boot = node.same_boot && same_boot;
      next.world = same_boot ? without_agent(node.world) : rebooted(node.world);
      if (*node.intent == Step{RestoreStep::kCommit})
        next.world.committed = true;
      // The journal knows the kind that was asked for.
      next.action = 0;
      next.decided = node.decided || *node.intent == Step{BootStep::kErase} ||
                     *node.intent == Step{CloneStep::kErase};
      for (const World& found :
           is_boot() ? unwatched(next.world) : std::vector{next.world}) {
        next.world = found;
        succeed(next, look(found, next.same_boot));
      }
    }
  }

  void succeed(Node next, Observed seen) {
    next.op = recover(kind_, *next.intent, next.op.facts, seen, Mono{});
    visit(next);
    if (!is_boot() || is_dead(next.world.current)) return;
    seen.current = Seen::kSilent;
    next.silent = true;
    next.op = recover(kind_, *next.intent, next.op.facts, seen, Mono{});
    visit(next);
  }

  bool is_boot() const {
    return kind_ == Kind::kBoot || kind_ == Kind::kStart ||
           kind_ == Kind::kRestart || kind_ == Kind::kClone;
  }

  void say(const Node& node, const std::string& what) {
    std::ostringstream out;
    out << to_string(node.op.kind) << "/" << to_string(node.op.step) << ": "
        << what << " (current " << int(node.world.current) << ", next "
        << int(node.world.next) << ", end "
        << (node.op.end ? to_string(*node.op.end) : "-") << " "
        << to_string(node.op.reason) << ", mishaps left " << node.mishaps
        << (node.recovered ? ", recovered" : "")
        << (node.same_boot ? "" : ", rebooted") << ")";
    if (broken.size() < 20) broken.push_back(out.str());
  }

  void check_action(const Node& node, const Action& action) {
    const World& w = node.world;
    const bool removes =
        action.what == Do::kRemoveGeneration || action.what == Do::kRemoveVm;
    const bool kills =
        removes || action.what == Do::kKill || action.what == Do::kShutDown;
    if (node.op.kind == Kind::kRestore && action.vmm == Which::kCurrent &&
        kills && !w.committed)
      say(node, "the old VMM ends before the commit");
    if (removes && !is_dead(action.vmm == Which::kNext ? w.next : w.current))
      say(node, "files are removed under a VMM");
    if (action.what == Do::kRemoveVm && is_boot() && node.recovered &&
        !node.decided && w.ran)
      say(node, "the files of a guest that ran are removed");
    if (action.what == Do::kOpenGate && w.unflushed)
      say(node, "it may run on files that power loss would take");
    if (action.what == Do::kArmGuard && node.op.facts.user_paused)
      say(node, "the guard would resume what its user paused");
  }

  void check_world(const Node& node, const Action& action) {
    const World& w = node.world;
    if (w.current == Vm::kRunning && w.next == Vm::kRunning)
      say(node, "two VMMs run");
    if (action.what == Do::kPublish && w.published && w.torn)
      say(node, "a torn dump was published");
    if (facts_.user_paused && w.current == Vm::kRunning)
      say(node, "what its user paused runs");
  }

  void check_end(const Node& node) {
    ends.insert(*node.op.end);
    if (*node.op.end != End::kOk && node.op.reason == Reason::kNone)
      say(node, "it failed without a reason");
    if (*node.op.end == End::kOk && node.world.unflushed)
      say(node, "it ended well with files that power loss would take");
    if (*node.op.end == End::kRefused && !(node.world == start_))
      say(node, "refused, but something was touched");
    if (budget_ - node.mishaps > 1) return;  // only what may never happen
    switch (kind_) {
      case Kind::kBoot:
      case Kind::kStart:
      case Kind::kRestart:
      case Kind::kClone:
        return check_boot(node);
      case Kind::kStop:
      case Kind::kReap:
        if (*node.op.end == End::kOk && !is_dead(node.world.current))
          say(node, "it stopped and lives");
        return;
      case Kind::kSnapshot:
        return check_snapshot(node);
      case Kind::kRestore:
        return check_restore(node);
      case Kind::kDeleteVm:
        if (*node.op.end == End::kOk &&
            (!is_dead(node.world.current) || !node.world.removed))
          say(node, "deleted, but something is left");
        return;
      case Kind::kPause:
      case Kind::kResume:
      case Kind::kDeleteSnapshot:
      case Kind::kImport:
        return;
    }
  }

  void check_boot(const Node& node) {
    const Vm vm = node.world.current;
    const P power = node.op.facts.power;
    if (*node.op.end == End::kOk && node.op.kind != Kind::kStop) {
      const bool right = power == P::kRunning  ? vm == Vm::kRunning
                         : power == P::kPaused ? vm == Vm::kPaused
                                               : is_dead(vm);
      // A successor finds that it came up and ended, or that it says nothing.
      const bool left = node.recovered && power != P::kStopped &&
                        (is_dead(vm) || vm == Vm::kEnded || node.silent);
      if (!right && !left) say(node, "not as asked");
      if (!node.world.gen_current) say(node, "it came up without its files");
    }
    if (node.op.kind == Kind::kClone && facts_.staged &&
        *node.op.end == End::kFailed && node.world.ran && !node.op.ran)
      say(node, "old memory would be loaded over a newer disk");
    if (*node.op.end != End::kFailed || facts_.alive) return;
    if (!is_dead(vm)) say(node, "failed, and a VMM is left");
    if (facts_.first && node.world.gen_current)
      say(node, "failed, and files are left");
  }

  void check_snapshot(const Node& node) {
    if (*node.op.end == End::kOk && !node.world.published)
      say(node, "ready without files");
    if (*node.op.end == End::kFailed && node.world.published)
      say(node, "files of a failed snapshot were left");
    const Vm want = facts_.user_paused ? Vm::kPaused : Vm::kRunning;
    if (!node.world.current_died && node.world.current != want)
      say(node, "the guest was left standing");
  }

  void check_restore(const Node& node) {
    const World& w = node.world;
    const Vm want = facts_.user_paused ? Vm::kPaused : Vm::kRunning;
    switch (*node.op.end) {
      case End::kOk:
        if (w.next != want) say(node, "the new one is not up");
        if (!w.redirect_to_next) say(node, "the network is the old one's");
        return;
      case End::kRolledBack:
      case End::kRefused:
        if (!w.current_died && w.current != start_.current)
          say(node, "the target is not as it was");
        if (w.next == Vm::kRunning) say(node, "the new one lives on");
        if (w.redirect_to_next) say(node, "the network is the new one's");
        return;
      case End::kReplaced:
        if (node.same_boot) say(node, "replaced without a reboot");
        return;
      case End::kFailed:
        if (!w.current_died) say(node, "failed although the old one lives");
        return;
    }
  }

  Kind kind_;
  Facts facts_;
  World start_;
  int budget_;
  std::set<decltype(std::declval<Node>().key())> seen_;
};

struct Scene {
  std::string name;
  Kind kind;
  Facts facts;
  World world;
};

World with(Vm current) {
  World w;
  w.current = current;
  w.gen_current = current != Vm::kNone;
  return w;
}

void add_boots(std::vector<Scene>& out) {
  for (const P power : {P::kRunning, P::kPaused, P::kStopped}) {
    const std::string p(model::to_string(power));
    Facts f;
    f.power = power;
    f.first = true;
    out.push_back({"boot " + p, Kind::kBoot, f, with(Vm::kNone)});
    f.swap_nics = true;
    out.push_back({"clone " + p, Kind::kClone, f, with(Vm::kNone)});
    f.first = false;
    f.staged = true;
    World staged;
    staged.gen_current = true;
    out.push_back({"staged clone " + p, Kind::kClone, f, staged});
  }
}

std::vector<Scene> scenes() {
  std::vector<Scene> out;
  add_boots(out);
  Facts f;
  out.push_back({"start", Kind::kStart, f, with(Vm::kDead)});
  f.power = P::kPaused;
  out.push_back({"start paused", Kind::kStart, f, with(Vm::kDead)});
  f.power = P::kRunning;
  f.alive = true;
  f.can_ask = true;
  out.push_back({"stop", Kind::kStop, f, with(Vm::kRunning)});
  out.push_back({"restart", Kind::kRestart, f, with(Vm::kRunning)});
  f.power = P::kPaused;
  out.push_back({"restart paused", Kind::kRestart, f, with(Vm::kRunning)});
  f.power = P::kRunning;
  out.push_back({"delete", Kind::kDeleteVm, f, with(Vm::kRunning)});
  f.can_ask = false;
  out.push_back({"stop now", Kind::kStop, f, with(Vm::kRunning)});
  out.push_back({"restart now", Kind::kRestart, f, with(Vm::kPaused)});
  out.push_back({"delete now", Kind::kDeleteVm, f, with(Vm::kRunning)});
  out.push_back({"delete paused", Kind::kDeleteVm, f, with(Vm::kPaused)});
  out.push_back({"pause", Kind::kPause, f, with(Vm::kRunning)});
  out.push_back({"resume", Kind::kResume, f, with(Vm::kPaused)});
  out.push_back({"reap", Kind::kReap, f, with(Vm::kEnded)});
  out.push_back({"snapshot", Kind::kSnapshot, f, with(Vm::kRunning)});
  out.push_back({"restore", Kind::kRestore, f, with(Vm::kRunning)});
  f.swap_nics = true;
  out.push_back({"foreign restore", Kind::kRestore, f, with(Vm::kRunning)});
  f.user_paused = true;
  out.push_back({"snapshot paused", Kind::kSnapshot, f, with(Vm::kPaused)});
  out.push_back({"restore paused", Kind::kRestore, f, with(Vm::kPaused)});
  World died = with(Vm::kDead);
  died.current_died = true;
  out.push_back({"restore failed", Kind::kRestore, {}, died});
  World snap;
  snap.published = true;
  out.push_back({"delete snapshot", Kind::kDeleteSnapshot, {}, snap});
  out.push_back({"import", Kind::kImport, {}, {}});
  return out;
}

std::string lines(const std::vector<std::string>& all) {
  std::string out;
  for (const auto& line : all) out += line + "\n";
  return out;
}

TEST(MachineWalk, OneMishapKeepsEveryPromise) {
  for (const Scene& scene : scenes()) {
    SCOPED_TRACE(scene.name);
    const Walk walk(scene.kind, scene.facts, scene.world, 1);
    EXPECT_TRUE(walk.broken.empty()) << lines(walk.broken);
    EXPECT_TRUE(walk.ends.count(End::kOk));
  }
}

TEST(MachineWalk, ThreeMishapsNeverDoWhatMayNeverBe) {
  size_t states = 0;
  for (const Scene& scene : scenes()) {
    SCOPED_TRACE(scene.name);
    const Walk walk(scene.kind, scene.facts, scene.world, 3);
    EXPECT_TRUE(walk.broken.empty()) << lines(walk.broken);
    states += walk.states();
  }
  RecordProperty("states", static_cast<int>(states));
  EXPECT_GT(states, 1000u);
}

TEST(MachineWalk, WithoutMishapsEachEndsWell) {
  for (const Scene& scene : scenes()) {
    SCOPED_TRACE(scene.name);
    const Walk walk(scene.kind, scene.facts, scene.world, 0);
    EXPECT_EQ(walk.ends, std::set<End>{End::kOk}) << lines(walk.broken);
  }
}

// Boot and Start use the down half of BootStep in a Restart only; a later boot
// erases nothing.
bool never_there(Kind kind, const Step& step) {
  if (step == Step{BootStep::kErase}) return kind != Kind::kBoot;
  return (kind == Kind::kBoot || kind == Kind::kStart) &&
         (step == Step{BootStep::kAsk} || step == Step{BootStep::kShutDown} ||
          step == Step{BootStep::kKill});
}

TEST(MachineWalk, EveryStepIsReachedAndHasAnExit) {
  std::set<std::pair<Kind, Step>> reached;
  for (const Scene& scene : scenes()) {
    const Walk walk(scene.kind, scene.facts, scene.world, 2);
    for (const Step& step : walk.steps) reached.insert({scene.kind, step});
  }
  for (uint8_t k = 0; k <= static_cast<uint8_t>(Kind::kReap); ++k) {
    const auto kind = static_cast<Kind>(k);
    for (const Step& step : steps_of(kind)) {
      SCOPED_TRACE(std::string(to_string(kind)) + "/" +
                   std::string(to_string(step)));
      EXPECT_NE(reached.count({kind, step}) > 0, never_there(kind, step));
      for (const Happened what : kAllHappened) {
        Operation op = begin(kind, {}, Mono{});
        op.step = step;
        const auto after =
            advance(op, {what, Reason::kSpawnFailed, ""}, Mono{});
        EXPECT_TRUE(after.end || after.step != op.step) << to_string(what);
      }
    }
  }
}

}  // namespace
}  // namespace chrysalis::engine
