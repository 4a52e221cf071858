// tt-eval sweep and the page about it.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "cli/world.hpp"
#include "support/catch.hpp"

using namespace toptheta::testing;

namespace {

using SweepJson = nlohmann::json;

// Files of a folder, by name, with what they hold.
std::map<std::string, std::string> files_of(const World& world, const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(world.path(folder) / "cells"))
    files[entry.path().filename()] = world.content(folder + "/cells/" + entry.path().filename().string());
  return files;
}

struct SweepWorld : World {
  SweepWorld() {
    (void)output("tt-calibrate fit --model model --text b.txt -k 4,8 -o theta.h5");
    write("s.toml",
          "[sweep]\nmodel = \"model\"\ntask = [\"quiz.jsonl\"]\nattention = [\"dense\", \"topk\", "
          "\"theta:sdc=exact,vmc\"]\nk = [4, 8]\nthresholds = [\"theta.h5\"]\nphase = [\"prefill\"]\n");
  }
};

}  // namespace

TEST_CASE("a sweep runs what means something, and goes on where it was cut off") {
  const SweepWorld world;
  (void)world.output("tt-eval sweep s.toml -o whole -q");
  const auto whole = files_of(world, "whole");
  CHECK(whole.size() == 5);  // dense has no k
  for (const auto& [name, text] : whole) {
    INFO(name);
    CHECK(SweepJson::parse(text).at("runs").size() == 1);
  }
  CHECK(world.run("tt-eval sweep s.toml -o whole").status != 0);  // nothing is written over
  std::filesystem::remove(world.path("whole/cells") / whole.begin()->first);
  std::filesystem::remove(world.path("whole/cells") / whole.rbegin()->first);
  (void)world.output("tt-eval sweep s.toml -o whole --resume -q");
  CHECK(files_of(world, "whole") == whole);
  (void)world.output("tt-eval sweep s.toml -o shares --shard 1/2 -q");
  CHECK(files_of(world, "shares").size() < whole.size());
  (void)world.output("tt-eval sweep s.toml -o shares --shard 2/2 --resume -q");
  CHECK(files_of(world, "shares") == whole);
}

TEST_CASE("a sweep without k takes every k of each policy's table") {
  const SweepWorld world;
  world.write("all.toml",
              "[sweep]\nmodel = \"model\"\ntask = \"quiz.jsonl\"\nattention = [\"dense\", \"theta\", "
              "\"theta:k=8\"]\nthresholds = \"theta.h5\"\n");
  (void)world.output("tt-eval sweep all.toml -o all -q");
  (void)world.output("tt-eval sweep s.toml -o whole -q");
  const auto all = files_of(world, "all");
  std::string names;
  for (const auto& [name, text] : all) {
    names += name + " ";
    const auto command = SweepJson::parse(text).at("provenance").at("command").get<std::string>();
    INFO(name << ": " << command);
    CHECK((name.find("theta") == std::string::npos) == (command.find("--k ") == std::string::npos));
  }
  INFO(names);
  CHECK(all.size() == 3);  // theta:k=8 is there already
}

TEST_CASE("a cell that fails is told, and the others are kept") {
  const SweepWorld world;
  world.write("bad.toml",
              "[sweep]\nmodel = \"model\"\ntask = [\"quiz.jsonl\", \"none.jsonl\"]\nattention = \"dense\"\n");
  const Outcome outcome = world.run("tt-eval sweep bad.toml -o cells -q");
  CHECK(outcome.status == 4);
  CHECK(outcome.err.find("none.jsonl") != std::string::npos);
  CHECK(files_of(world, "cells").size() == 1);
  world.write("typo.toml", "[sweep]\nmodel = \"model\"\ntaks = \"quiz.jsonl\"\n");
  const Outcome typo = world.run("tt-eval sweep typo.toml -o typo");
  CHECK(typo.status != 0);
  CHECK(typo.err.find("taks") != std::string::npos);
}

TEST_CASE("cells that no table serves are told before the others are run") {
  const SweepWorld world;
  world.write("k.toml",
              "[sweep]\nmodel = \"model\"\ntask = [\"quiz.jsonl\"]\nattention = [\"dense\", \"theta\"]\n"
              "k = [4, 5]\nthresholds = [\"theta.h5\"]\n");
  const Outcome outcome = world.run("tt-eval sweep k.toml -o cells");
  CHECK(outcome.status == 4);
  CHECK(outcome.err.find("warning: 1 of 3 cells cannot be run") != std::string::npos);
  CHECK(outcome.err.find("k = 5") < outcome.err.find("1 cell failed"));
  CHECK(files_of(world, "cells").size() == 2);
}

TEST_CASE("a cell that cannot be written ends the sweep, and the finished ones are kept") {
  const SweepWorld world;
  (void)world.output("tt-eval sweep s.toml -o whole -q");
  const auto whole = files_of(world, "whole");
  const std::string last = whole.rbegin()->first;
  std::filesystem::create_directories(world.path("cut/cells"));
  std::filesystem::create_symlink("nowhere/cell.json", world.path("cut/cells") / last);
  const Outcome outcome = world.run("tt-eval sweep s.toml -o cut --resume -q");
  CHECK(outcome.status == 4);
  CHECK(outcome.err.find("nowhere") != std::string::npos);
  CHECK(outcome.err.find("--resume") != std::string::npos);
  CHECK(outcome.err.find("failed:") == std::string::npos);
  std::filesystem::remove(world.path("cut/cells") / last);
  CHECK(files_of(world, "cut").size() >= 1);
  (void)world.output("tt-eval sweep s.toml -o cut --resume -q");
  CHECK(files_of(world, "cut") == whole);
}

TEST_CASE("a table that no cell and no policy uses is named, with what it holds") {
  const SweepWorld world;
  (void)world.output("tt-calibrate fit --model model --text b.txt -k 5 -o five.h5");
  std::string config = world.content("s.toml");
  config.replace(config.find("[\"theta.h5\"]"), 12, "[\"theta.h5\", \"five.h5\"]");
  world.write("two.toml", config);
  const Outcome sweep = world.run("tt-eval sweep two.toml -o two --dry-run");
  CHECK(sweep.status == 0);
  CHECK(sweep.err.find("five.h5 is used by no policy: it holds pre-softmax thresholds for k = 5") !=
        std::string::npos);
  CHECK(sweep.err.find("theta.h5 is used by no policy") == std::string::npos);
  const std::string run =
      "tt-eval run --model model --task quiz.jsonl --attention theta --thresholds theta.h5 ";
  CHECK(world.run(run + "five.h5 -k 4").err.find("five.h5 is used by no policy") != std::string::npos);
  CHECK(world.run(run + "-k 4").err.find("is used by no policy") == std::string::npos);
  const std::string both = " --model model --attention theta --thresholds theta.h5 five.h5 -k 4 ";
  for (const std::string command : {"generate --prompt ab --max-new-tokens 1", "logits --text b.txt -o l.npy",
                                    "bench --prefill 16 --decode-at none --repetitions 1"}) {
    const Outcome outcome = world.run("tt-eval " + command + both);
    INFO(outcome.err);
    CHECK(outcome.status == 0);
    CHECK(outcome.err.find("five.h5 is used by no policy") != std::string::npos);
  }
}

TEST_CASE("report makes one page of a sweep, and refuses what is no result") {
  const SweepWorld world;
  (void)world.output("tt-eval sweep s.toml -o whole -q");
  (void)world.output("tt-eval report whole -o page.html --figures figures");
  const std::string page = world.content("page.html");
  CHECK(page.starts_with("<!doctype html>"));
  CHECK(page.find("quiz") != std::string::npos);
  CHECK(page.find("theta") != std::string::npos);
  // D3 is in the page as it is, and could make requests if it were asked to; the browser's test sees that
  // nobody asks. Nothing else in the page names a request.
  const std::string d3 = content_of(TT_D3_FILE);
  const std::size_t at = page.find(d3);
  REQUIRE(at != std::string::npos);
  const std::string own = std::string(page).erase(at, d3.size());
  for (const std::string request :
       {"src=", "@import", "url(http", "fetch(", "d3.json", "d3.csv", "d3.text", "d3.xml"}) {
    INFO(request);
    CHECK(own.find(request) == std::string::npos);
  }
  CHECK(!std::filesystem::is_empty(world.path("figures")));
  (void)world.output("tt-eval report whole -o again.html");
  CHECK(world.content("again.html") == page);
  world.write("whole/cells/zz.json", "{\"schema\": \"other/1\"}");
  const Outcome foreign = world.run("tt-eval report whole -o page.html");
  CHECK(foreign.status == 3);
  CHECK(foreign.err.find("zz.json") != std::string::npos);
  CHECK(world.content("page.html") == page);
}

TEST_CASE("a page is not written to a terminal") {
  const SweepWorld world;
  (void)world.output("tt-eval run --model model --task a.txt --attention dense topk:k=4 -o r.json");
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(terminal >= 0);
  REQUIRE(::grantpt(terminal) == 0);
  REQUIRE(::unlockpt(terminal) == 0);
  const std::string screen = ::ptsname(terminal);
  for (const char* command : {"tt-eval report r.json", "tt-calibrate report theta.h5"}) {
    const Outcome refused = world.run(command, screen);
    CHECK(refused.status == 2);
    CHECK(refused.err.find("-o FILE") != std::string::npos);
  }
  ::close(terminal);
  CHECK(world.output("tt-calibrate report theta.h5").starts_with("<!doctype html>"));
}

TEST_CASE("an interrupted sweep says that its finished cells are kept") {
  const SweepWorld world;
  std::string said;
  // The moment at which cells are being computed depends on the machine.
  for (int wait = 20; wait < 1000 && said.find("kept; run again with --resume") == std::string::npos;
       wait += 20) {
    const auto running = world.start("tt-eval sweep s.toml -o cut -q --resume");
    std::this_thread::sleep_for(std::chrono::milliseconds(wait));
    running->kill(SIGINT);
    said = running->wait().err;
    std::filesystem::remove_all(world.path("cut"));
  }
  CHECK(said.find("kept; run again with --resume") != std::string::npos);
}

TEST_CASE("a sweep that is killed ten times ends in the bytes of one that was not") {
  const SweepWorld world;
  (void)world.output("tt-eval sweep s.toml -o whole -q");
  std::uint64_t draw = 12345;
  int cut = 0;
  for (int i = 0; i < 10; ++i) {
    const auto running = world.start("tt-eval sweep s.toml -o cut -q --resume");
    draw = draw * 6364136223846793005 + 1442695040888963407;
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + (draw >> 33) % 280));
    running->kill();
    cut += running->wait().status == -1 ? 1 : 0;
  }
  (void)world.output("tt-eval sweep s.toml -o cut -q --resume");
  CHECK(files_of(world, "cut") == files_of(world, "whole"));  // nothing is left over either
  CHECK(world.content("cut/sweep.json") == world.content("whole/sweep.json"));
  CHECK(cut > 0);
}
