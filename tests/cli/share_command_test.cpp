// Shares, checkpoints and merging as a user runs them: the final file is the single run's, byte for byte.
#include <chrono>
#include <cmath>
#include <thread>

#include "cli/world.hpp"
#include "core/random.hpp"
#include "support/catch.hpp"
#include "theta/formats/table_file.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

const std::string kModel = "tt-calibrate fit --model model --text a.txt b.txt --context 11 -k 3,6 ";
const std::string kOneK = "tt-calibrate fit --model model --text a.txt b.txt --context 11 -k 3 ";

void make_dumps(const World& world) {
  (void)world.output("tt-calibrate dump --model model --text a.txt --context 13 -o d1.h5");
  (void)world.output("tt-calibrate dump --model model --text b.txt --content scores -o d2.h5");
}

// The command in three shares, merged into merged.h5.
void merge_three(const World& world, const std::string& fit, const std::string& merge_flags = "") {
  for (const std::string i : {"1", "2", "3"})
    (void)world.output(fit + " --shard " + i + "/3 -o part-" + i + ".h5 --threads " + i);
  (void)world.output("tt-calibrate merge part-2.h5 part-1.h5 part-3.h5 -o merged.h5" + merge_flags);
}

}  // namespace

TEST_CASE("merged shares are the single run's file, byte for byte") {
  const World world;
  make_dumps(world);
  const std::vector<std::string> fits = {
      "tt-calibrate fit d1.h5 d2.h5 -k 3,6 --layer-k 1:4",
      "tt-calibrate fit d1.h5 d2.h5 -k 3 --row-fraction 0.3",
      "tt-calibrate fit d1.h5 d2.h5 -k 3,6 --curve --row-fraction 0.6",
      kModel + "--tac --add-sigma 0.2",
      kOneK + "--tac --estimator pooled",
      "tt-calibrate fit d1.h5 d2.h5 -k 3,6 --length-bins 2 --curve",
      "tt-calibrate fit d1.h5 d2.h5 -k 4,6 --keep-first 1 --keep-recent 2"};
  for (const std::string& fit : fits) {
    INFO(fit);
    (void)world.output(fit + " -o whole.h5");
    merge_three(world, fit);
    CHECK(world.content("merged.h5") == world.content("whole.h5"));
  }
}

TEST_CASE("offline SDC in shares takes two rounds") {
  const World world;
  make_dumps(world);
  const std::vector<std::string> fits = {
      "tt-calibrate fit d1.h5 d2.h5 -k 3,6 --sdc-offline --curve", kModel + "--tac --sdc-offline",
      "tt-calibrate fit d1.h5 d2.h5 -k 3,6 --length-bins 2 --sdc both --rho-bins 2 --rho-law"};
  for (const std::string& fit : fits) {
    INFO(fit);
    (void)world.output(fit + " -o whole.h5");
    merge_three(world, fit);
    CHECK(world.content("merged.h5") != world.content("whole.h5"));
    std::filesystem::rename(world.path("merged.h5"), world.path("first.h5"));
    // In one process, and in shares again.
    (void)world.output(fit + " --sdc-from first.h5 -o second.h5");
    CHECK(world.content("second.h5") == world.content("whole.h5"));
    merge_three(world, fit + " --sdc-from first.h5", " --sdc-from first.h5");
    CHECK(world.content("merged.h5") == world.content("whole.h5"));
  }
}

TEST_CASE("SDC terms are found for the finished thresholds of any table") {
  const World world;
  make_dumps(world);
  const std::string fit = "tt-calibrate fit d1.h5 d2.h5 --sdc both --rho-law";
  // Of a fit: the terms are those that the fit itself finds.
  (void)world.output("tt-calibrate fit d1.h5 d2.h5 -k 3,6 --length-bins 2 --layer-k 0:4 -o plain.h5");
  (void)world.output(fit + " -k 3,6 --length-bins 2 --layer-k 0:4 -o whole.h5");
  (void)world.output(fit + " --sdc-from plain.h5 -o later.h5");
  (void)world.output("tt-calibrate convert whole.h5 -q -o whole.csv");
  (void)world.output("tt-calibrate convert later.h5 -q -o later.csv");
  const auto without_comments = [](std::string text) {
    for (std::size_t at = 0; (at = text.find('#', at)) != std::string::npos;)
      text.erase(at, text.find('\n', at) + 1 - at);
    return text;
  };
  CHECK(without_comments(world.content("later.csv")) == without_comments(world.content("whole.csv")));

  // Terms that the table had are not mixed with the new ones: a law would outdo the new rho.
  (void)world.output("tt-calibrate fit d1.h5 d2.h5 --sdc calibrated --sdc-from whole.h5 -o again.h5");
  const ThresholdTable before = load_table(world.path("whole.h5"));
  const ThresholdTable again = load_table(world.path("again.h5"));
  CHECK(before.targets[0].has_rho_laws());
  CHECK_FALSE(again.targets[0].has_rho_laws());
  CHECK(again.has_rho());

  // Of a budget, whose heads have a k each: of rows that only some heads make sparse, too.
  (void)world.output("tt-calibrate fit d1.h5 d2.h5 -k 3 --curve -o curve.h5");
  (void)world.output("tt-calibrate budget curve.h5 --kept-fraction 0.35 -q -o budget.h5");
  (void)world.output(fit + " --sdc-from budget.h5 -o terms.h5");
  const ThresholdTable budget = load_table(world.path("budget.h5"));
  const ThresholdTable terms = load_table(world.path("terms.h5"));
  REQUIRE_FALSE(budget.targets[0].head_k.empty());
  CHECK(terms.targets[0].head_k == budget.targets[0].head_k);
  CHECK(terms.targets[0].has_rho_laws());
  CHECK(terms.meta.provenance.inputs.back().path == "budget.h5");
  CHECK(terms.meta.provenance.command.ends_with(" --sdc-from budget.h5"));
  std::int64_t entries = 0;
  for (std::size_t cell = 0; cell < terms.targets[0].cells.size(); ++cell)
    for (std::size_t i = 0; i < terms.targets[0].cells[cell].size(); ++i, ++entries) {
      CHECK(terms.targets[0].cells[cell][i].theta == budget.targets[0].cells[cell][i].theta);
      CHECK(std::isfinite(terms.targets[0].cells[cell][i].sdc));
    }
  CHECK(entries > 0);
  merge_three(world, fit + " --sdc-from budget.h5", " --sdc-from budget.h5");
  CHECK(world.content("merged.h5") == world.content("terms.h5"));

  // What belongs to the thresholds cannot be asked for again.
  const Outcome refused = world.run(fit + " --sdc-from budget.h5 --length-bins 8 -o no.h5");
  CHECK(refused.status == 2);
  CHECK(refused.err.find("--length-bins: belongs to the thresholds") != std::string::npos);
  CHECK_FALSE(world.has("no.h5"));
}

TEST_CASE("a run killed at any moment goes on and ends in the same file") {
  const World world;
  const std::string fit = kModel + "--sdc-offline --row-fraction 0.8 --curve";
  (void)world.output(fit + " -o whole.h5");
  Random random(std::chrono::steady_clock::now().time_since_epoch().count());
  int kills = 0;
  for (int attempt = 0;; ++attempt) {
    REQUIRE(attempt < 200);
    const auto run = world.start(fit + " --checkpoint c.state --checkpoint-every 0 --resume -o out.h5");
    // The first attempts end early for certain, the last ones have all the time they need.
    if (attempt < 12) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1 + random.below(60)));
      run->kill();
    }
    const Outcome outcome = run->wait();
    if (outcome.status == 0) break;
    INFO(outcome.err);
    REQUIRE(outcome.status == -1);
    ++kills;
  }
  CHECK(kills > 0);
  CHECK(world.content("out.h5") == world.content("whole.h5"));
  CHECK_FALSE(world.has("c.state"));
}

TEST_CASE("misuse of shares and checkpoints is told apart") {
  const World world;
  make_dumps(world);
  const std::string fit = "tt-calibrate fit d1.h5 -k 3 ";
  const auto status = [&](const std::string& command, const std::string& message) {
    const Outcome outcome = world.run(command);
    INFO(outcome.err);
    CHECK(outcome.err.find(message) != std::string::npos);
    CHECK(outcome.out.empty());
    return outcome.status;
  };
  for (const std::string shard : {"0/3", "4/3", "3", "a/b", "1/3x", "-1/3"})
    CHECK(status(fit + "-o p --shard=" + shard, "--shard: not a share") == 2);
  CHECK(status(fit + "-o t.h5 --resume", "needs --checkpoint") == 2);
  CHECK(status(fit + "-o t.h5 --sdc-from x.h5", "only applies with --sdc or --sdc-offline") == 2);
  CHECK(status("tt-calibrate merge -o t.h5", "no parts given") == 2);
  CHECK(status("tt-calibrate merge d1.h5 -o t.h5", "not a calibration part, or cut short") == 3);
  (void)world.output(fit + "--shard 1/2 -o p1.h5");
  (void)world.output("tt-calibrate fit d2.h5 -k 3 --shard 2/2 -o p2.h5");
  CHECK(status("tt-calibrate merge p1.h5 -o t.h5", "without shard 2") == 3);
  CHECK(status("tt-calibrate merge p1.h5 p2.h5 -o t.h5", "belongs to another calibration") == 3);
  CHECK(status("tt-calibrate merge p1.h5 p1.h5 -o t.h5", "shard 1/2 is given twice") == 3);
  (void)world.output(fit + "--shard 2/2 -o p2.h5 --curve");
  CHECK(status("tt-calibrate merge p1.h5 p2.h5 -o t.h5", "'curves' is not that of p1.h5") == 3);
  (void)world.output(fit + "--sdc-offline -o first.h5");
  CHECK(status(fit + "--sdc-offline --length-bins 4 --sdc-from first.h5 -o t.h5",
               "its number of length bins is not that of") == 2);
  CHECK(status(fit + "--sdc-offline --curve --sdc-from first.h5 -o t.h5", "its content is not that of") == 2);
  world.write("c.state", "not a checkpoint");
  CHECK(status(fit + "-o t.h5 --checkpoint c.state", "the file exists already") == 2);
  CHECK(status(fit + "-o t.h5 --checkpoint c.state --resume", "not a calibration part, or cut short") == 3);
  CHECK(status("tt-calibrate show p1.h5", "not a threshold table") == 3);
  CHECK_FALSE(world.has("t.h5"));
}
