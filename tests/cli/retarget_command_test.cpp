// Curves as a user meets them: retarget, their exports, laws of the row length, and what is lost where.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/world.hpp"
#include "support/catch.hpp"
#include "support/sample_table.hpp"
#include "theta/formats/table_file.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr const char* kFit = "tt-calibrate fit --model model --text a.txt b.txt ";

std::int64_t k_of(const World& world, const std::string& name) {
  return load_table(world.path(name)).targets.at(0).k;
}

// Share of the visible elements that a k keeps of all calibration rows.
double share_of(const ThresholdTable& table, std::int64_t k) {
  double kept = 0;
  double visible = 0;
  for (const auto& cell : table.curves.cells)
    for (const ScoreCurve& curve : cell) {
      double elements = 0;
      for (const CurveBin& bin : curve.bins)
        elements += static_cast<double>(bin.count);
      visible += elements;
      kept += std::min(elements, static_cast<double>(k * curve.rows));
    }
  return kept / visible;
}

}  // namespace

TEST_CASE("retarget gives the pooled estimator's thresholds for another k, without the data") {
  const World world;
  (void)world.output(std::string(kFit) + "-k 3 --curve -o c.h5");
  (void)world.output(std::string(kFit) + "-k 5,9 --layer-k 1:7 --estimator pooled -o pooled.h5");
  std::filesystem::remove(world.path("a.txt"));
  (void)world.output("tt-calibrate retarget c.h5 -k 5,9 --layer-k 1:7 -o t.h5");
  const ThresholdTable found = load_table(world.path("t.h5"));
  const ThresholdTable expected = load_table(world.path("pooled.h5"));
  REQUIRE(found.targets.size() == 2);
  check_same(found.targets[0], expected.targets[0]);
  check_same(found.targets[1], expected.targets[1]);
  CHECK(found.curves == expected.curves);
  CHECK(found.curves == load_table(world.path("c.h5")).curves);
  CHECK(found.meta.estimator == "pooled");
  CHECK(found.meta.provenance.inputs.at(0).path == "c.h5");
  // From one's own output again: the curves go along.
  (void)world.output("tt-calibrate retarget t.h5 -k 5,9 --layer-k 1:7 -o t2.h5");
  check_same(load_table(world.path("t2.h5")).targets[0], expected.targets[0]);
}

TEST_CASE("retarget keeps the length bins of its table, and every form says them but th.txt") {
  const World world;
  (void)world.output(std::string(kFit) + "-k 3 --curve --length-bins 2 -o c.h5");
  (void)world.output(std::string(kFit) + "-k 5 --estimator pooled --length-bins 2 -o pooled.h5");
  (void)world.output("tt-calibrate retarget c.h5 -k 5 -o t.h5");
  const ThresholdTable found = load_table(world.path("t.h5"));
  check_same(found.targets.at(0), load_table(world.path("pooled.h5")).targets.at(0));
  CHECK(found.meta.length_bins == 2);
  CHECK(found.targets[0].cells[0].size() < 12);
  (void)world.output("tt-calibrate convert c.h5 -o c.csv");
  (void)world.output("tt-calibrate convert c.csv -o back.json");
  CHECK(world.content("back.json").find("\"length_bins\":2") != std::string::npos);
  CHECK(world.run("tt-calibrate convert c.h5 -o th.txt").err.find("length bins") != std::string::npos);
  (void)world.output("tt-calibrate convert c.h5 -o wide.h5 --smooth 0");
  CHECK(load_table(world.path("wide.h5")).meta.length_bins == 0);
  CHECK(world.run("tt-calibrate audit t.h5 --model model --text a.txt --tolerance 100").status == 0);
  CHECK(world.run("tt-calibrate drift c.h5 c.h5").status == 0);
  CHECK(world.run("tt-calibrate show c.h5 --layer 0 --head 0").status == 0);
  CHECK(world.run("tt-calibrate fit --model model --text a.txt -k 3 --length-bins none -o x.h5").status == 2);
}

TEST_CASE("retarget finds rho where its table has it, or where it is asked for") {
  const World world;
  const auto has_rho = [&world](const std::string& name) {
    return !std::isnan(load_table(world.path(name)).targets.at(0).cells.at(0).back().rho);
  };
  (void)world.output(std::string(kFit) + "-k 3 --curve --sdc calibrated --rho-bins 2 -o c.h5");
  (void)world.output(std::string(kFit) + "-k 3 --curve -o plain.h5");
  (void)world.output("tt-calibrate retarget c.h5 -k 5 -o t.h5");
  CHECK(has_rho("t.h5"));
  (void)world.output("tt-calibrate retarget c.h5 -k 5 --sdc none -o t.h5");
  CHECK_FALSE(has_rho("t.h5"));
  (void)world.output("tt-calibrate retarget plain.h5 -k 5 -o t.h5");
  CHECK_FALSE(has_rho("t.h5"));
  (void)world.output("tt-calibrate retarget plain.h5 -k 5 --sdc calibrated -o t.h5");
  CHECK(has_rho("t.h5"));
  (void)world.output(
      "tt-eval run --model model --task a.txt --attention theta:sdc=calibrated --thresholds t.h5 -q");
  CHECK(world.run(std::string(kFit) + "-k 3 --rho-bins 2 -o x.h5").status == 2);
}

TEST_CASE("laws for rho are fitted, used and carried over; new thresholds have none, with a word") {
  const World world;
  const auto laws = [&world](const std::string& name) {
    return load_table(world.path(name)).targets.at(0).has_rho_laws();
  };
  const auto said = [&world](const std::string& command) {
    const Outcome outcome = world.run(command);
    CHECK(outcome.status == 0);
    return outcome.err.find("no law for rho") != std::string::npos;
  };
  (void)world.output(std::string(kFit) + "-k 3 --curve --sdc calibrated --rho-law -o c.h5");
  (void)world.output(std::string(kFit) + "-k 3 --curve --sdc calibrated -o plain.h5");
  CHECK(laws("c.h5"));
  CHECK_FALSE(laws("plain.h5"));
  CHECK(said("tt-calibrate retarget c.h5 -k 5 -o t.h5"));
  CHECK_FALSE(laws("t.h5"));
  CHECK_FALSE(said("tt-calibrate retarget plain.h5 -k 5 -o t.h5"));
  CHECK(said("tt-calibrate budget c.h5 --uniform-k 4 -o b.h5"));
  CHECK_FALSE(laws("b.h5"));
  CHECK(said("tt-calibrate convert c.h5 --smooth 1 -o t.h5"));
  CHECK_FALSE(laws("t.h5"));
  CHECK_FALSE(said("tt-calibrate convert c.h5 --smooth 0 -o t.h5"));
  CHECK(laws("t.h5"));
  CHECK(world.run("tt-calibrate convert c.h5 -o t.txt").err.find("cannot hold rho") != std::string::npos);
  CHECK(world.run("tt-calibrate convert plain.h5 -o t.txt").err.find("cannot hold rho") == std::string::npos);
  const std::string run = "tt-eval run --model model --task a.txt --attention theta:sdc=calibrated -q ";
  (void)world.output(run + "--thresholds c.h5 -o with.json");
  (void)world.output(run + "--thresholds plain.h5 -o without.json");
  CHECK(world.content("with.json").find("\"rho_law\": true") != std::string::npos);
  CHECK(world.content("without.json").find("rho_law") == std::string::npos);
  CHECK(world.output(run + "--thresholds c.h5 --format csv").find("rho_law=true") != std::string::npos);
  CHECK(world.output(run + "--thresholds plain.h5 --format csv").find("rho_law") == std::string::npos);
  CHECK(world.run(std::string(kFit) + "-k 3 --sdc offline --rho-law -o x.h5").status == 2);
}

TEST_CASE("retarget finds the k of a kept fraction and of a kept mass") {
  const World world;
  (void)world.output(std::string(kFit) + "-k 3 --curve -o c.h5");
  const ThresholdTable table = load_table(world.path("c.h5"));
  for (const double fraction : {0.1, 0.3}) {
    (void)world.output("tt-calibrate retarget c.h5 -o f.h5 --kept-fraction " + std::to_string(fraction));
    const std::int64_t k = k_of(world, "f.h5");
    CHECK(std::abs(share_of(table, k) - fraction) <= std::abs(share_of(table, k + 1) - fraction) + 1e-9);
    CHECK(std::abs(share_of(table, k) - fraction) <= std::abs(share_of(table, k - 1) - fraction) + 1e-9);
  }
  std::int64_t last = 0;
  for (const std::string mass : {"0.3", "0.6", "0.9"}) {
    (void)world.output("tt-calibrate retarget c.h5 -o m.h5 --kept-mass " + mass);
    CHECK(k_of(world, "m.h5") > last);
    last = k_of(world, "m.h5");
  }
}

TEST_CASE("retarget tells misuse apart") {
  const World world;
  (void)world.output(std::string(kFit) + "-k 3 --curve -o c.h5");
  (void)world.output(std::string(kFit) + "-k 3 -o plain.h5");
  (void)world.output("tt-calibrate convert plain.h5 -o plain.json");
  const auto check = [&](const std::string& arguments, int status, const std::string& message) {
    const Outcome outcome = world.run("tt-calibrate retarget " + arguments);
    INFO(arguments << "\n" << outcome.err);
    CHECK(outcome.status == status);
    CHECK(outcome.err.find(message) != std::string::npos);
    CHECK(outcome.out.empty());
    CHECK_FALSE(world.has("t.h5"));
  };
  check("", 2, "no threshold table given");
  check("c.h5 -k 4", 2, "-o: not given");
  check("c.h5 -k 4 -o c.h5", 2, "-o");
  check("c.h5 -o t.h5", 2, "no target given");
  check("c.h5 -o t.h5 -k 4 --kept-mass 0.5", 2, "more than one kind of target");
  for (const std::string share : {"0", "1", "1.5", "-0.2"})
    for (const std::string flag : {"--kept-mass", "--kept-fraction"})
      check("c.h5 -o t.h5 " + flag + "=" + share, 2, flag + ": not a share");
  check("c.h5 -o t.h5 -k 5000", 2, "no row has more than k keys");
  check("c.h5 -o t.h5 -k 0", 2, "-k");
  check("c.h5 -o t.h5 -k 4 --layer-k 2:4", 2, "--layer-k");
  check("c.h5 -o t.h5 -k 4 --extend-to 20", 2, "--extend-to: the calibrated rows reach as far already");
  check("c.h5 -o t.xyz -k 4", 2, "-o");
  check("plain.h5 -o t.h5 -k 4", 2, "plain.h5: the table holds no curves");
  check("plain.json -o t.h5 --kept-mass 0.5", 2, "plain.json: the table holds no curves");
  check("none.h5 -o t.h5 -k 4", 3, "none.h5");
  check("dump.h5 -o t.h5 -k 4", 3, "not a threshold table");
}

TEST_CASE("rows past the calibrated ones are extrapolated where asked for, and said to be") {
  const World world;
  (void)world.output(std::string(kFit) + "-k 3 --curve -o c.h5");
  const Outcome plain = world.run("tt-calibrate retarget c.h5 -k 4 -o p.h5");
  REQUIRE(plain.status == 0);
  CHECK(plain.err.find("longer rows get the threshold of that length") != std::string::npos);
  const Outcome extended = world.run("tt-calibrate retarget c.h5 -k 4 --extend-to 200 -o e.h5");
  REQUIRE(extended.status == 0);
  CHECK(extended.err.find("extrapolated") != std::string::npos);
  const ThresholdTable table = load_table(world.path("e.h5"));
  CHECK(table.meta.estimator.find("extrapolated past") != std::string::npos);
  CHECK(table.targets[0].cells[0].back().length == 200);
  CHECK(table.targets[0].cells[0].back().count == 0);
}

TEST_CASE("show --law prints a law for each head") {
  const World world;
  (void)world.output(std::string(kFit) + "-k 3 --curve -o c.h5");
  const auto laws = nlohmann::json::parse(world.output("tt-calibrate show c.h5 --law --format json"));
  CHECK(laws.at("schema") == "toptheta.length-laws/1");
  REQUIRE(laws.at("rows").size() == 8);  // two layers of four heads
  const auto& law = laws.at("rows").at(5);
  CHECK(law.at("layer") == 1);
  CHECK(law.at("head") == 1);
  const auto theta = [&](double n) {
    return law.at("a").get<double>() + law.at("b").get<double>() * std::log(n);
  };
  const auto longest = law.at("longest").get<double>();
  CHECK(law.at("theta_longest").get<double>() == Approx(theta(longest)));
  CHECK(law.at("theta_twice").get<double>() == Approx(theta(2 * longest)));
  CHECK(law.at("error_twice").get<double>() > law.at("b_error").get<double>() * std::log(2));
  CHECK(nlohmann::json::parse(world.output("tt-calibrate show c.h5 --law --layer 1 --head 2 --format json"))
            .at("rows")
            .size() == 1);
  CHECK(world.output("tt-calibrate show c.h5 --law").find("extrapolated") != std::string::npos);
  (void)world.output(std::string(kFit) + "-k 3 -o plain.h5");
  const Outcome refused = world.run("tt-calibrate show plain.h5 --law");
  CHECK(refused.status == 2);
  CHECK(refused.err.find("plain.h5: the table holds no curves") != std::string::npos);
}

TEST_CASE("curves are written as CSV, and other forms say that they lose them") {
  const World world;
  const std::string lost = "cannot hold the table's curves";
  const auto warnings_of = [&](const std::string& command) {
    const Outcome outcome = world.run(command);
    INFO(command << "\n" << outcome.err);
    REQUIRE(outcome.status == 0);
    return outcome.err;
  };
  CHECK(warnings_of(std::string(kFit) + "-k 3 --curve -o c.h5").find(lost) == std::string::npos);
  CHECK(warnings_of(std::string(kFit) + "-k 3 --curve -o c0.json").find(lost) != std::string::npos);
  for (const std::string form : {"json", "csv", "txt", "npz", "safetensors", "h"})
    CHECK(warnings_of("tt-calibrate convert c.h5 -o c." + form).find(lost) != std::string::npos);
  CHECK(warnings_of("tt-calibrate convert c.h5 -o copy.h5").find(lost) == std::string::npos);
  CHECK(warnings_of("tt-calibrate retarget c.h5 -k 4 -o r.csv").find(lost) != std::string::npos);
  CHECK(load_table(world.path("copy.h5")).curves == load_table(world.path("c.h5")).curves);

  CHECK(warnings_of("tt-calibrate convert c.h5 --what curve -o curve.csv").find(lost) == std::string::npos);
  std::istringstream lines(world.content("curve.csv"));
  std::string line;
  std::getline(lines, line);
  CHECK(line == "layer,head,shortest,longest,rows,lower,upper,count,mass");
  std::int64_t found = 0;
  double mass = 0;
  while (std::getline(lines, line)) {
    const std::size_t last = line.rfind(',');
    found += std::stoll(line.substr(line.rfind(',', last - 1) + 1));
    mass += std::stod(line.substr(last + 1));
  }
  std::int64_t elements = 0;
  std::int64_t rows = 0;
  for (const auto& cell : load_table(world.path("c.h5")).curves.cells)
    for (const ScoreCurve& curve : cell) {
      rows += curve.rows;
      for (const CurveBin& bin : curve.bins)
        elements += bin.count;
    }
  CHECK(found == elements);
  CHECK(mass == Approx(static_cast<double>(rows)).epsilon(1e-6));

  const auto refused = [&](const std::string& arguments, const std::string& message) {
    const Outcome outcome = world.run("tt-calibrate convert " + arguments);
    INFO(outcome.err);
    CHECK(outcome.err.find(message) != std::string::npos);
    return outcome.status;
  };
  (void)world.output(std::string(kFit) + "-k 3 -o plain.h5");
  CHECK(refused("plain.h5 --what curve -o x.csv", "plain.h5: the table holds no curves") == 2);
  CHECK(refused("c.h5 --what curve -o x.json", "only writes CSV") == 2);
  CHECK(refused("c.h5 --what curve -k 3 -o x.csv", "drop -k") == 2);
  CHECK_FALSE(world.has("x.csv"));
}

TEST_CASE("curves under top-k at calibration are of one k") {
  const World world;
  const Outcome several = world.run(std::string(kFit) + "-k 3,6 --tac --curve -o t.h5");
  CHECK(several.status == 2);
  CHECK(several.err.find("every k has curves of its own") != std::string::npos);
  CHECK_FALSE(world.has("t.h5"));
  (void)world.output(std::string(kFit) + "-k 3 --tac --curve -o tac.h5");
  (void)world.output(std::string(kFit) + "-k 3 --curve -o dense.h5");
  const ScoreCurves tac = load_table(world.path("tac.h5")).curves;
  const ScoreCurves dense = load_table(world.path("dense.h5")).curves;
  // The first layer sees the same, the second what top-k in the first left.
  CHECK(tac.cells[0] == dense.cells[0]);
  CHECK(tac.cells[4] != dense.cells[4]);
  const Outcome other = world.run("tt-calibrate retarget tac.h5 -k 6 -o t.h5");
  CHECK(other.status == 0);
  CHECK(other.err.find("were made with top-k at calibration") != std::string::npos);
}
