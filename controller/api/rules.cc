#include "controller/api/rules.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "src/model/fields.h"

namespace chrysalis::api {
namespace {

using model::for_each_field;
using model::RowValue;

const std::string kSnapshotSource = "source.snapshot";

// Holds unless `when` holds too.
ExprPtr unless(ExprPtr when, ExprPtr then) {
  return any({negate(std::move(when)), std::move(then)});
}
ExprPtr never_both(ExprPtr a, ExprPtr b) {
  return negate(all({std::move(a), std::move(b)}));
}

std::string name_of(std::string_view path) {
  return std::string(model::leaf(path));
}
std::string str(std::string_view s) { return std::string(s); }

// A refusal of one present field.
Rule refusal(std::string id, const std::string& path, ExprPtr when,
             std::string text) {
  ExprPtr holds =
      when ? never_both(std::move(when), has(path)) : negate(has(path));
  return {.id = std::move(id),
          .path = path,
          .holds = std::move(holds),
          .text = std::move(text),
          .values = {field(path)}};
}

void add_clone_rules(std::vector<Rule>& out) {
  for_each_field([&](const auto& row, auto) {
    if (!model::refused_on_clone(row) || row.path.starts_with("source."))
      return;
    out.push_back(refusal("clone-refuses-" + name_of(row.path), str(row.path),
                          has(kSnapshotSource),
                          model::text::refused_on_clone(row)));
  });
}

void add_restore_rules(std::vector<Rule>& out) {
  for_each_field([&](const auto& row, auto) {
    if (!model::refused_beside_restore(row)) return;
    out.push_back(refusal("restore-refuses-" + name_of(row.path), str(row.path),
                          has("restore"),
                          model::text::refused_on_restore(row)));
  });
}

// The four are declared where a client of another system would put them, so
// that they are refused by name and never pruned.
void add_declared_names(std::vector<Rule>& out) {
  for_each_field([&](const auto& row, auto) {
    if (!model::refused_beside_restore(row)) return;
    const std::string name = name_of(row.path);
    const std::string clone = kSnapshotSource + "." + name;
    out.push_back(refusal("clone-request-refuses-" + name, clone, nullptr,
                          model::text::clone_refused(clone)));
    const std::string restore = "restore." + name;
    out.push_back(refusal("restore-request-refuses-" + name, restore, nullptr,
                          model::text::restore_refused(restore)));
  });
}

std::vector<int64_t> powers_of_two(uint32_t min, uint32_t max) {
  std::vector<int64_t> out;
  for (uint32_t n = min; n <= max; n *= 2) out.push_back(n);
  return out;
}

void add_bounds(std::vector<Rule>& out) {
  for_each_field([&](const auto& row, auto) {
    using T = RowValue<decltype(row)>;
    const std::string path = str(row.path), name = name_of(row.path);
    const auto add = [&](const char* id, ExprPtr holds, std::string text) {
      out.push_back({.id = name + id,
                     .path = path,
                     .reason = RuleReason::kInvalid,
                     .holds = unless(has(path), std::move(holds)),
                     .text = std::move(text),
                     .values = {field(path)}});
    };
    if constexpr (std::is_same_v<T, model::Bytes>) {
      const ExprPtr within = quantity_within(path, *row.min, *row.max);
      add("-range", within,
          model::text::out_of_range(path, model::show(*row.min),
                                    model::show(*row.max)));
      // A value out of range is blamed once, for that.
      if (row.whole_mib)
        add("-whole-mib", unless(within, quantity_whole_mib(path)),
            model::text::whole_mib(path));
    } else if constexpr (std::is_same_v<T, uint32_t>) {
      if (row.power_of_two)
        add("-power-of-two",
            one_of(field(path), powers_of_two(*row.min, *row.max)),
            model::text::power_of_two(path, model::show(*row.min),
                                      model::show(*row.max)));
    }
  });
}

template <class T>
Literal to_literal(const T& value) {
  if constexpr (std::is_same_v<T, bool>)
    return value;
  else
    return static_cast<int64_t>(value);
}

ExprPtr on_firecracker() {
  return all({has("hypervisor"),
              equal(field("hypervisor"),
                    literal(str(to_string(model::Hypervisor::kFirecracker))))});
}

void add_firecracker_rules(std::vector<Rule>& out) {
  for_each_field([&](const auto& row, auto) {
    using T = RowValue<decltype(row)>;
    const std::string path = str(row.path), name = name_of(row.path);
    const auto add = [&](const char* id, ExprPtr bad, std::string text) {
      out.push_back(
          {.id = "firecracker-" + name + id,
           .path = path,
           .holds = negate(all({on_firecracker(), has(path), std::move(bad)})),
           .text = std::move(text),
           .values = {field(path)}});
    };
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, uint32_t>) {
      if (row.on_firecracker)
        add("",
            negate(
                equal(field(path), literal(to_literal(*row.on_firecracker)))),
            model::text::firecracker_lacks(path,
                                           model::show(*row.on_firecracker)));
      if (row.firecracker_max)
        add("-max",
            greater(field(path),
                    literal(static_cast<int64_t>(*row.firecracker_max))),
            model::text::firecracker_max(path,
                                         model::show(*row.firecracker_max)));
    }
  });
  for (const char* request : {"source.snapshot", "restore"}) {
    const std::string path = str(request) + ".onDemand";
    out.push_back(
        {.id = "firecracker-on-demand-" + name_of(request),
         .path = path,
         .holds = negate(all(
             {on_firecracker(), has(path), equal(field(path), literal(true))})),
         .text = "onDemand %s: Firecracker maps its memory file anyway; "
                 "remove spec." +
                 path,
         .values = {field(path)}});
  }
}

// The same on both sides, absent counting as the default where there is one.
Rule fixed(const std::string& path, const std::vector<Literal>& fallback) {
  Operand now = field(path), was = old_field(path);
  Operand shown_now = with_default(now, str("(none)"));
  Operand shown_was = with_default(was, str("(none)"));
  ExprPtr same;
  if (fallback.empty()) {
    same = any({all({negate(has(path)), negate(had(path))}),
                all({has(path), had(path), equal(now, was)})});
  } else {
    now = shown_now = with_default(now, fallback.front());
    was = shown_was = with_default(was, fallback.front());
    same = equal(now, was);
  }
  return {.id = "fixed-" + name_of(path == "network.name" ? "network" : path),
          .path = path,
          .holds = same,
          .text = model::text::fixed_at_creation(path),
          .values = {shown_now, shown_was}};
}

// What an absent field counts as: none or one value.
template <class R>
std::vector<Literal> default_of(const R& row) {
  using T = RowValue<R>;
  if constexpr (std::is_same_v<T, bool>) {
    return {*row.fallback};
  } else if constexpr (std::is_same_v<T, model::Hypervisor>) {
    return {str(to_string(*row.fallback))};
  } else {
    return {};
  }
}

void add_fixed(std::vector<Rule>& out) {
  out.push_back({.id = "fixed-source",
                 .path = "source",
                 .holds = equal(field("source"), old_field("source")),
                 .text = "source: fixed at creation; create another "
                         "VirtualMachine"});
  for_each_field([&](const auto& row, auto) {
    using T = RowValue<decltype(row)>;
    if (row.change != model::Change::kFixed || row.path.empty() ||
        row.path.starts_with("source."))
      return;
    Rule rule = fixed(str(row.path), default_of(row));
    if constexpr (std::is_same_v<T, model::Hypervisor>) {
      // A clone's default is its snapshot's, which no rule can see: on a
      // clone it may not be added later either.
      const ExprPtr was_clone = had(kSnapshotSource);
      rule.holds =
          all({rule.holds,
               unless(was_clone,
                      negate(differ(has(str(row.path)), had(str(row.path)))))});
    }
    out.push_back(std::move(rule));
  });
  out.push_back(fixed("nodeName", {}));
}

void add_requests(std::vector<Rule>& out) {
  const auto now = field("restore.attempt"), was = old_field("restore.attempt");
  out.push_back(
      {.id = "restore-attempt-counts-up",
       .path = "restore.attempt",
       .holds = unless(
           all({has("restore"), had("restore")}),
           any({greater(now, was),
                all({equal(now, was), equal(field("restore.snapshot"),
                                            old_field("restore.snapshot"))})})),
       .text = "attempt %s of snapshot %s: attempt %s was asked for snapshot "
               "%s; ask for attempt %s",
       .values = {now, field("restore.snapshot"), was,
                  old_field("restore.snapshot"), plus_one(was)}});
  const auto restart = field("restart.attempt"),
             before = old_field("restart.attempt");
  out.push_back({.id = "restart-attempt-counts-up",
                 .path = "restart.attempt",
                 .holds = unless(all({has("restart"), had("restart")}),
                                 negate(greater(before, restart))),
                 .text = "attempt %s: attempts only count up (was %s); ask for "
                         "attempt %s",
                 .values = {restart, before, plus_one(before)}});
}

Rule exactly_one(const std::string& a, const std::string& b) {
  return {.id = "source-exactly-one",
          .path = "source",
          .reason = RuleReason::kInvalid,
          .holds = differ(has(a), has(b)),
          .text = "set exactly one of spec." + a + " and spec." + b};
}

Rule object_name() {
  return {.id = "name",
          .level = Level::kObject,
          .path = "metadata.name",
          .reason = RuleReason::kInvalid,
          .holds = named("metadata.name", str(kLabelPattern), kLabelMax),
          .text =
              "name %s: must be a DNS label of at most 63 characters "
              "(a-z, 0-9 and '-')",
          .values = {field("metadata.name")}};
}

std::vector<Rule> vm_rules() {
  std::vector<Rule> out;
  out.push_back(object_name());
  out.push_back(exactly_one("source.image", "source.snapshot"));
  add_clone_rules(out);
  add_restore_rules(out);
  add_declared_names(out);
  add_bounds(out);
  add_firecracker_rules(out);
  add_fixed(out);
  add_requests(out);
  return out;
}

std::vector<Rule> snapshot_rules() {
  return {object_name(),
          exactly_one("source.virtualMachine", "source.directory"),
          {.id = "fixed-source",
           .path = "source",
           .holds = equal(field("source"), old_field("source")),
           .text = "source: fixed at creation; create another VMSnapshot"}};
}

}  // namespace

std::span<const Rule> rules_of(Kind kind) {
  static const std::vector<Rule> vm = vm_rules();
  static const std::vector<Rule> snapshot = snapshot_rules();
  return kind == Kind::kVirtualMachine ? vm : snapshot;
}

std::string message_expression(const Rule& rule) {
  std::string out = cel_string(rule.text);
  if (rule.values.empty()) return out;
  out += ".format([";
  for (size_t i = 0; i < rule.values.size(); ++i)
    out += (i ? ", " : "") + to_cel(rule.values[i]);
  return out + "])";
}

std::vector<BrokenRule> find_broken(Kind kind, const nlohmann::json& object,
                                    const nlohmann::json* old) {
  std::vector<BrokenRule> out;
  static const nlohmann::json none = nlohmann::json::object();
  const auto below = [](const nlohmann::json& o) -> const nlohmann::json& {
    const auto* spec = find_path(o, "spec");
    return spec ? *spec : none;
  };
  for (const Rule& rule : rules_of(kind)) {
    const bool on_spec = rule.level == Level::kSpec;
    const auto& self = on_spec ? below(object) : object;
    const auto* before = old == nullptr ? nullptr
                         : on_spec      ? &below(*old)
                                        : old;
    if (rule.holds->transition() && before == nullptr) continue;
    if (rule.holds->eval(self, before)) continue;
    std::vector<std::string> shown;
    shown.reserve(rule.values.size());
    for (const Operand& value : rule.values)
      shown.push_back(show(value, self, before));
    out.push_back({&rule,
                   {(on_spec ? "spec." : "") + rule.path,
                    model::fill(rule.text, shown)}});
  }
  return out;
}

std::vector<model::Fault> broken_rules(Kind kind, const nlohmann::json& object,
                                       const nlohmann::json* old) {
  std::vector<model::Fault> out;
  for (BrokenRule& one : find_broken(kind, object, old))
    out.push_back(std::move(one.fault));
  return out;
}

}  // namespace chrysalis::api
