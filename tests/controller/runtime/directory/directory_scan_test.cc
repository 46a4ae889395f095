#include "controller/runtime/directory/directory_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

namespace chrysalis::runtime::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

ObjectId vm(std::string name, std::string ns = "default") {
  return {api::Kind::kVirtualMachine, std::move(ns), std::move(name)};
}
Document document(ObjectId id, std::string spec = "1", uint32_t line = 1) {
  return {std::move(id), line, std::move(spec), {}, {}};
}
ScannedFile file(std::string name, std::vector<Document> documents) {
  return {std::move(name), std::move(documents), {}, false};
}
ScannedFile broken(std::string name) {
  return {name, {}, {{name, 3, "does not parse"}}, true};
}

// The view after a decision, when nobody refuses anything.
View view_after(View view, const Decision& decision) {
  for (const auto* list : {&decision.added, &decision.updated})
    for (const Placed& p : *list)
      view[p.document.id] = {p.file, p.document.spec};
  for (const ObjectId& id : decision.removed) view.erase(id);
  return view;
}
std::vector<std::string> ids(const std::vector<Placed>& placed) {
  std::vector<std::string> out;
  for (const Placed& p : placed)
    out.push_back(p.file + " " + p.document.id.name);
  return out;
}
std::vector<std::string> words(const Decision& decision) {
  std::vector<std::string> out;
  for (const Said& said : decision.said) out.push_back(to_string(said));
  return out;
}

const View kTwo{{vm("a"), {"a.yaml", "1"}}, {vm("b"), {"b.yaml", "1"}}};

TEST(DirectoryScan, TellsAddedUpdatedAndRemoved) {
  const Scan scan{{},
                  {file("c.yaml", {document(vm("c"))}),
                   file("b.yaml", {document(vm("b"), "2")})}};
  const auto decision = decide(kTwo, scan);
  EXPECT_FALSE(decision.disregarded);
  EXPECT_THAT(ids(decision.added), ElementsAre("c.yaml c"));
  EXPECT_THAT(ids(decision.updated), ElementsAre("b.yaml b"));
  EXPECT_THAT(decision.removed, ElementsAre(vm("a")));
  EXPECT_THAT(decision.said, IsEmpty());
}

TEST(DirectoryScan, SaysNothingOfWhatStaysTheSame) {
  const Scan scan{{},
                  {file("a.yaml", {document(vm("a"))}),
                   file("b.yaml", {document(vm("b"))})}};
  const auto decision = decide(kTwo, scan);
  EXPECT_THAT(decision.added, IsEmpty());
  EXPECT_THAT(decision.updated, IsEmpty());
  EXPECT_THAT(decision.removed, IsEmpty());
}

TEST(DirectoryScan, AnotherFileOrARefusalIsAnUpdate) {
  Document refused = document(vm("b"));
  refused.refused = {{"spec", "no"}};
  const Scan scan{
      {}, {file("z.yaml", {document(vm("a"))}), file("b.yaml", {refused})}};
  EXPECT_THAT(ids(decide(kTwo, scan).updated),
              UnorderedElementsAre("z.yaml a", "b.yaml b"));
}

TEST(DirectoryScan, ADirectoryThatCannotBeReadChangesNothing) {
  const auto decision = decide(kTwo, {"no such directory", {}});
  EXPECT_TRUE(decision.disregarded);
  EXPECT_THAT(decision.removed, IsEmpty());
  EXPECT_THAT(words(decision),
              ElementsAre("no such directory; nothing was changed"));
}

TEST(DirectoryScan, LosingAllOfTwoOrMoreChangesNothing) {
  const auto decision = decide(kTwo, {});
  EXPECT_TRUE(decision.disregarded);
  EXPECT_THAT(decision.removed, IsEmpty());
  EXPECT_THAT(words(decision), ElementsAre(HasSubstr("all of 2 objects")));

  // Also when something else came in their place.
  const auto replaced =
      decide(kTwo, {{}, {file("c.yaml", {document(vm("c"))})}});
  EXPECT_TRUE(replaced.disregarded);
  EXPECT_THAT(replaced.added, IsEmpty());
}

TEST(DirectoryScan, OneOfTwoAndTheLastOneMayGo) {
  const Scan one{{}, {file("b.yaml", {document(vm("b"))})}};
  const auto first = decide(kTwo, one);
  EXPECT_THAT(first.removed, ElementsAre(vm("a")));
  const auto last = decide(view_after(kTwo, first), {});
  EXPECT_FALSE(last.disregarded);
  EXPECT_THAT(last.removed, ElementsAre(vm("b")));
}

TEST(DirectoryScan, ABrokenFileKeepsWhatItHeldAndNoMore) {
  const auto decision = decide(kTwo, {{}, {broken("a.yaml")}});
  EXPECT_FALSE(decision.disregarded);
  EXPECT_THAT(decision.removed, ElementsAre(vm("b")));
  EXPECT_THAT(decision.updated, IsEmpty());
  EXPECT_THAT(words(decision), ElementsAre("a.yaml:3: does not parse"));
}

TEST(DirectoryScan, OfADoubtfulFileTheClearPartCounts) {
  View before = kTwo;
  before[vm("a2")] = {"a.yaml", "1"};
  ScannedFile doubtful = file("a.yaml", {document(vm("a"), "2")});
  doubtful.doubtful = true;
  const auto decision = decide(before, {{}, {doubtful}});
  EXPECT_THAT(ids(decision.updated), ElementsAre("a.yaml a"));
  EXPECT_THAT(decision.removed, ElementsAre(vm("b")));  // a2 stays
}

TEST(DirectoryScan, OfTwoOfOneNameTheFirstFileWins) {
  const Scan scan{{},
                  {file("y.yaml", {document(vm("a"), "y", 7)}),
                   file("x.yaml", {document(vm("a"), "x"),
                                   document(vm("a"), "again", 9)})}};
  const auto decision = decide({}, scan);
  EXPECT_THAT(ids(decision.added), ElementsAre("x.yaml a"));
  EXPECT_EQ(decision.added[0].document.spec, "x");
  EXPECT_THAT(
      words(decision),
      ElementsAre(HasSubstr("x.yaml:9: VirtualMachine default/a stands in "
                            "x.yaml already"),
                  HasSubstr("y.yaml:7: VirtualMachine default/a stands in "
                            "x.yaml already")));
}

TEST(DirectoryScan, ABrokenFileStillOwnsItsNames) {
  const Scan scan{{},
                  {broken("a.yaml"), file("b.yaml", {document(vm("b")),
                                                     document(vm("a"), "2")})}};
  const auto decision = decide(kTwo, scan);
  EXPECT_THAT(decision.updated, IsEmpty());
  EXPECT_THAT(words(decision), testing::Contains(HasSubstr("b.yaml:1:")));
}

TEST(DirectoryScan, KindsAndNamespacesAreNamesApart) {
  const ObjectId snapshot{api::Kind::kVmSnapshot, "default", "a"};
  const Scan scan{{},
                  {file("a.yaml", {document(vm("a")), document(snapshot),
                                   document(vm("a", "other"))})}};
  const auto decision = decide({}, scan);
  EXPECT_EQ(decision.added.size(), 3u);
  EXPECT_THAT(decision.said, IsEmpty());
}

TEST(DirectoryScan, KnowsWhichNamesAreManifests) {
  for (const auto* yes :
       {"a.yaml", "a.yml", "a.json", "a.b.yaml", "status.yaml"})
    EXPECT_TRUE(is_manifest_name(yes)) << yes;
  for (const auto* no : {".a.yaml", "virtualmachine.default.a.status.yaml",
                         "a.yaml~", "a.yaml.tmp", "README.md", "yaml", ""})
    EXPECT_FALSE(is_manifest_name(no)) << no;
}

// ---- any directory
class AnyDirectory {
 public:
  explicit AnyDirectory(uint32_t seed) : random_(seed) {}

  Scan scan() {
    Scan out;
    if (one_in(10)) out.failure = "gone";
    for (const auto* name : {"c.yaml", "a.yaml", "d.yaml", "b.yaml"}) {
      if (one_in(3)) continue;
      ScannedFile f = file(name, {});
      f.doubtful = one_in(4);
      while (!one_in(3))
        f.documents.push_back(document(vm(std::string(1, letter(5))),
                                       std::string(1, letter(3)), pick(9)));
      out.files.push_back(f);
    }
    return out;
  }

 private:
  uint32_t pick(uint32_t n) {
    return std::uniform_int_distribution<uint32_t>(0, n - 1)(random_);
  }
  bool one_in(uint32_t n) { return pick(n) == 0; }
  char letter(uint32_t n) { return static_cast<char>('a' + pick(n)); }
  std::mt19937 random_;
};

void check_laws(const View& before, const Scan& scan, const Decision& d) {
  std::set<ObjectId> changed;
  for (const Placed& p : d.added) {
    EXPECT_FALSE(before.contains(p.document.id));
    EXPECT_TRUE(changed.insert(p.document.id).second);
  }
  for (const Placed& p : d.updated) {
    EXPECT_TRUE(before.contains(p.document.id));
    EXPECT_TRUE(changed.insert(p.document.id).second);
  }
  for (const ObjectId& id : d.removed) {
    EXPECT_TRUE(before.contains(id));
    EXPECT_TRUE(changed.insert(id).second);
    for (const ScannedFile& f : scan.files) {
      // Nothing that a file names, and nothing of a doubtful file, goes.
      EXPECT_FALSE(f.doubtful && before.at(id).file == f.name);
      for (const Document& doc : f.documents) EXPECT_NE(doc.id, id);
    }
  }
  EXPECT_TRUE(!scan.failure || d.disregarded);
  EXPECT_TRUE(before.size() < 2 || d.removed.size() < before.size());
  EXPECT_TRUE(!d.disregarded || (changed.empty() && !d.said.empty()));
}

TEST(DirectoryScan, HoldsItsLawsOnAnyDirectory) {
  int changes = 0, disregarded = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    AnyDirectory any(seed);
    View view;
    for (int step = 0; step < 12; ++step) {
      Scan scan = any.scan();
      const Decision decision = decide(view, scan);
      check_laws(view, scan, decision);
      changes += !decision.added.empty();
      disregarded += decision.disregarded;

      Scan other_order = scan;
      std::ranges::reverse(other_order.files);
      EXPECT_EQ(decide(view, other_order).said, decision.said);
      EXPECT_EQ(view_after(view, decide(view, other_order)),
                view_after(view, decision));

      if (decision.disregarded) continue;
      view = view_after(view, decision);
      // The same directory again: nothing more to do.
      const Decision again = decide(view, scan);
      EXPECT_EQ(
          again.added.size() + again.updated.size() + again.removed.size(), 0u);
    }
  }
  EXPECT_GT(changes, 300);
  EXPECT_GT(disregarded, 100);
}

}  // namespace
}  // namespace chrysalis::runtime::directory
