// Thresholds beside what rows keep in any case, from the fit to the evaluation.
#include <nlohmann/json.hpp>

#include "cli/world.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

TEST_CASE("thresholds beside the ends of rows keep k in all, and are refused without them") {
  const World world;
  (void)world.output("tt-calibrate fit --model model --text b.txt -k 4,8 -o theta.h5");
  (void)world.output(
      "tt-calibrate fit --model model --text a.txt -k 9 --tac --keep-first 1 --keep-recent 2 -o ends.h5");
  const auto runs =
      nlohmann::json::parse(world.output("tt-eval run --model model --format json --task a.txt --thresholds "
                                         "ends.h5 --attention theta:keep-first=1,keep-recent=2 "
                                         "topk:k=6,keep-first=1,keep-recent=2"))
          .at("runs");
  CHECK(runs.at(0).at("sparsity").at("effective_k_ratio").get<double>() == Approx(1).epsilon(0.03));
  const auto nll = [&runs](std::size_t run) {
    return runs.at(run).at("metrics").at("nll").at("value").get<double>();
  };
  // A row of the calibration text keeps what top-k of its rest keeps.
  CHECK(nll(0) == Approx(nll(1)).epsilon(0.01));
  const Outcome without =
      world.run("tt-eval run --model model --task a.txt --attention theta --thresholds ends.h5");
  CHECK(without.status == 2);
  CHECK(without.err.find("keep-first=1, keep-recent=2") != std::string::npos);
  const Outcome beside = world.run(
      "tt-eval run --model model --task a.txt --attention theta:k=8,keep-first=1 --thresholds theta.h5");
  CHECK(beside.status == 0);
  CHECK(beside.err.find("so more are kept with keep-first=1") != std::string::npos);
  CHECK(world.run("tt-calibrate fit --model model --text a.txt -k 4 --keep-first 4 -o x.h5").status == 2);
  CHECK(world.run("tt-calibrate fit --model model --text a.txt -k 9 --keep-first 1 --curve -o x.h5").status ==
        2);
}
