// `chrysalis standalone` over a directory; status files are what is waited on.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "controller/api/yaml_reader.h"
#include "tests/e2e/world/changes.h"
#include "tests/e2e/world/world.h"

namespace chrysalis::e2e {
namespace {

namespace fs = std::filesystem;

constexpr milliseconds kLong{60'000};
constexpr const char* kNamespace = "default";

class Standalone final : public World {
 public:
  Standalone() : manifests_(host_.root() / "manifests") {
    fs::create_directory(manifests_);
    start_agent();
  }

  void apply(const Manifest& manifest) override {
    // As an editor does it: whole or not at all.
    const fs::path hidden = manifests_ / ".next";
    std::ofstream(hidden) << manifest.text();
    fs::rename(hidden, file_of(manifest.id));
  }

  std::string refusal(const Manifest& manifest) override {
    apply(manifest);
    const auto refused = wait_until(manifest.id, [](const json& object) {
      return condition(object, "Stalled") == "True/InvalidSpec";
    });
    fs::remove(file_of(manifest.id));
    EXPECT_TRUE(await(manifests_, in(kLong), [&] {
      return !fs::exists(status_file(manifest.id));
    })) << "the status of what was refused stays";
    return refused ? message(*refused, "Stalled") : "";
  }

  std::optional<json> wait_until(const Id& id,
                                 const Predicate& holds) override {
    last_seen_ = json();
    const bool held = await(manifests_, in(kLong), [&] {
      std::ostringstream text;
      text << std::ifstream(status_file(id)).rdbuf();
      const auto read = api::read_yaml(text.str());
      if (read.documents.size() != 1) return false;
      last_seen_ = read.documents[0].value;
      return holds(last_seen_);
    });
    if (!held) return std::nullopt;
    return last_seen_;
  }

  void remove(const std::vector<Id>& ids) override {
    for (const Id& id : ids) {
      fs::remove(file_of(id));
      const auto done = run_chrysalis(
          {"delete", to_string(id), "--state-dir", host_.state()});
      EXPECT_EQ(done.exit, 0) << done.err;
      EXPECT_FALSE(fs::exists(status_file(id)));
    }
  }

  void kill_agent() override { program_->kill(); }
  void start_agent() override {
    Words words = host_.node_flags();
    words.insert(words.begin(), {"standalone", "--manifests", manifests_,
                                 "--node-name", "e2e-node"});
    program_.emplace(words, host_.log("standalone"));
    EXPECT_TRUE(program_->says("standalone runs")) << program_->said();
  }
  int stop_agent() override { return program_->stop(); }
  std::string logs() const override { return program_->said(); }

  // Each write is a new file under the name.
  std::string version(const Id& id) override {
    struct stat info{};
    EXPECT_EQ(::stat(status_file(id).c_str(), &info), 0);
    return std::to_string(info.st_ino) + "@" +
           std::to_string(info.st_mtim.tv_sec) + "." +
           std::to_string(info.st_mtim.tv_nsec);
  }
  Host& host() override { return host_; }

 private:
  [[nodiscard]] fs::path file_of(const Id& id) const {
    return manifests_ / (id.kind + "-" + id.name + ".json");
  }
  [[nodiscard]] fs::path status_file(const Id& id) const {
    return manifests_ /
           (id.kind + "." + kNamespace + "." + id.name + ".status.yaml");
  }

  Host host_;
  fs::path manifests_;
  std::optional<Program> program_;  // ends before the host goes
};

}  // namespace

std::unique_ptr<World> make_standalone() {
  return std::make_unique<Standalone>();
}

}  // namespace chrysalis::e2e
