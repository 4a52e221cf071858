// audit, drift and budget as a user runs them.
#include <nlohmann/json.hpp>

#include "cli/world.hpp"
#include "support/catch.hpp"
#include "theta/formats/table_file.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

const std::string kTexts = " --model model --text a.txt b.txt";

void require_status(const World& world, const std::string& command, int status, const std::string& message) {
  const Outcome outcome = world.run(command);
  INFO(command << "\n" << outcome.err);
  CHECK(outcome.status == status);
  CHECK(outcome.err.find(message) != std::string::npos);
}

nlohmann::json json_of(const World& world, const std::string& command) {
  return nlohmann::json::parse(world.output(command + " --format json"));
}

}  // namespace

TEST_CASE("audit: from the model and from a dump alike, the same bytes at any number of threads") {
  const World world;
  (void)world.output("tt-calibrate fit" + kTexts + " -k 4,8 --curve --estimator pooled -o theta.h5");
  (void)world.output("tt-calibrate dump" + kTexts + " --element float32 --content scores -o held.h5");
  const nlohmann::json audit = json_of(world, "tt-calibrate audit theta.h5" + kTexts);
  CHECK(world.run("tt-calibrate audit theta.h5" + kTexts).err.find("a.txt was used for calibration") !=
        std::string::npos);
  CHECK(audit.at("schema") == "toptheta.audit/1");
  CHECK(audit.at("documents") == 2);
  CHECK(audit.at("rows").size() == 16);  // 2 k, 2 layers, 4 heads
  CHECK(audit.at("check").at("holds") == true);
  const auto& target = audit.at("targets").at(1);
  CHECK(target.at("k") == 8);
  const double ratio = target.at("effective_k_ratio").at("value");
  CHECK(ratio == Approx(1).margin(0.1));  // pooled thresholds on their own calibration texts
  CHECK(target.at("effective_k_ratio").at("low") <= ratio);
  CHECK(target.at("effective_k_ratio").at("high") >= ratio);
  CHECK(target.at("documents_needed") >= 2);
  const nlohmann::json dumped = json_of(world, "tt-calibrate audit theta.h5 --on held.h5");
  CHECK(dumped.at("rows") == audit.at("rows"));
  const std::string one = world.output("tt-calibrate audit theta.h5 --on held.h5 --format csv --threads 1");
  CHECK(one == world.output("tt-calibrate audit theta.h5 --on held.h5 --format csv --threads 2"));
  CHECK(one.starts_with("k,layer,head,head_k,rows,dense_rows,kept_mean,kept_p01,"));
  const std::string table = world.output("tt-calibrate audit theta.h5 --on held.h5 --heads 3 -k 8");
  CHECK(table.find("audit of theta.h5 on 2 documents: pre-softmax, estimator pooled") == 0);
  CHECK(table.find("the 3 heads of each k that are farthest from it") != std::string::npos);
}

TEST_CASE("fit says how many documents it wants, and where thresholds are thin") {
  const World world;
  const Outcome fit = world.run("tt-calibrate fit" + kTexts + " -k 4 --precision 0.0001 -o theta.h5");
  INFO(fit.err);
  REQUIRE(fit.status == 0);
  CHECK(fit.err.find("note: k = 4: effective k is known to ±") != std::string::npos);
  CHECK(fit.err.find("more documents (") != std::string::npos);
  CHECK(fit.err.find("warning: -k 4: the thresholds of rows of 5 to ") != std::string::npos);
  CHECK(fit.err.find("rest on as few as ") != std::string::npos);
  // The table is the same but for the command line.
  (void)world.output("tt-calibrate fit" + kTexts + " -k 4 -o plain.h5");
  CHECK(load_table(world.path("plain.h5")).targets[0].cells[3][2].theta ==
        load_table(world.path("theta.h5")).targets[0].cells[3][2].theta);
  (void)world.output("tt-calibrate dump" + kTexts + " -o held.h5");
  const Outcome dumped = world.run("tt-calibrate fit held.h5 -k 4 --precision 0.0001 -o dumped.h5");
  CHECK(dumped.err.substr(dumped.err.find("note: k = 4")) == fit.err.substr(fit.err.find("note: k = 4")));
  require_status(world, "tt-calibrate fit held.h5 -k 4 --precision 0.03 --shard 1/2 -o part.h5", 2,
                 "another pass over all rows");
}

TEST_CASE("audit: one document has no interval, and says so") {
  const World world;
  (void)world.output("tt-calibrate fit" + kTexts + " -k 4 -o theta.h5");
  const nlohmann::json audit = json_of(world, "tt-calibrate audit theta.h5 --model model --text a.txt");
  CHECK(audit.at("documents") == 1);
  CHECK(audit.at("targets").at(0).at("effective_k_ratio").at("low").is_null());
  CHECK(audit.at("targets").at(0).at("thin").at(0).at("rows") == 1);
  const std::string text = world.output("tt-calibrate audit theta.h5 --model model --text a.txt");
  CHECK(text.find("a single document gives no interval") != std::string::npos);
  // Windows of one text are one document.
  CHECK(
      json_of(world, "tt-calibrate audit theta.h5 --model model --text a.txt --context 20").at("documents") ==
      1);
}

TEST_CASE("audit: a check that does not hold is status 1, names the worst heads, and leaves the report") {
  const World world;
  (void)world.output("tt-calibrate fit --model model --text a.txt -k 6 --add-sigma 3 -o high.h5");
  require_status(world, "tt-calibrate audit high.h5" + kTexts + " --tolerance 0.001 -o audit.json", 1,
                 "high.h5, k = 6: effective k is not the k asked for");
  const nlohmann::json audit = nlohmann::json::parse(world.content("audit.json"));
  CHECK(audit.at("check").at("holds") == false);
  CHECK(audit.at("check").at("failures").at(0).at("head").is_null());
  require_status(world, "tt-calibrate audit high.h5" + kTexts + " --head-tolerance 0.001", 1,
                 "farthest from it: layer ");
  CHECK(world.run("tt-calibrate audit high.h5" + kTexts + " --tolerance 10 --head-tolerance 50").status == 0);
  CHECK(world.run("tt-calibrate audit high.h5" + kTexts).status == 0);  // nothing was asked
}

TEST_CASE("audit: after the softmax, from rows taken before and after it") {
  const World world;
  (void)world.output("tt-calibrate fit" + kTexts + " -k 4 --placement post-softmax -o post.h5");
  (void)world.output("tt-calibrate fit" + kTexts + " -k 4 -o pre.h5");
  const nlohmann::json audit = json_of(world, "tt-calibrate audit post.h5" + kTexts);
  CHECK(audit.at("placement") == "post-softmax");
  CHECK(audit.at("targets").at(0).at("lost_mass") > 0);
}

TEST_CASE("audit: what cannot be") {
  const World world;
  (void)world.output("tt-calibrate fit" + kTexts + " -k 4 -o theta.h5");
  require_status(world, "tt-calibrate audit", 2, "no threshold table given");
  require_status(world, "tt-calibrate audit theta.h5 --on dump.h5 --text a.txt", 2, "at the same time");
  require_status(world, "tt-calibrate audit theta.h5 -k 5" + kTexts, 2, "holds no thresholds for k = 5");
  require_status(world, "tt-calibrate audit theta.h5 --tolerance -1" + kTexts, 2, "tolerance");
  require_status(world, "tt-calibrate audit theta.h5 --on dump.h5 -o dump.h5", 2, "overwrite");
  require_status(world, "tt-calibrate audit missing.h5" + kTexts, 3, "missing.h5");
  require_status(world, "tt-calibrate audit dump.h5" + kTexts, 3, "an attention dump");
  require_status(world, "tt-calibrate audit theta.h5 --on theta.h5", 3, "theta.h5");
  require_status(world, "tt-calibrate audit theta.h5 --model other-model --text a.txt", 3, "another shape");
}

TEST_CASE("budget: a table whose heads have their own k, in every format and in a run") {
  const World world;
  (void)world.output("tt-calibrate fit" + kTexts + " -k 8 --curve -o theta.h5");
  const nlohmann::json plan =
      json_of(world, "tt-calibrate budget theta.h5 --uniform-k 8 --min-k 2 -o budget.h5");
  CHECK(plan.at("schema") == "toptheta.budget/1");
  CHECK(plan.at("predicted").at("kept_elements") <=
        1.000001 * plan.at("uniform").at("kept_elements").get<double>());
  CHECK(plan.at("predicted").at("lost_mass") < plan.at("uniform").at("lost_mass"));
  CHECK(plan.at("bound") <= plan.at("predicted").at("lost_mass"));
  const ThresholdTable table = load_table(world.path("budget.h5"));
  REQUIRE(table.targets.size() == 1);
  REQUIRE(table.targets[0].head_k.size() == 8);
  CHECK_FALSE(table.curves.empty());
  for (std::size_t cell = 0; cell < 8; ++cell) {
    CHECK(plan.at("rows").at(cell).at("k") == format_k(table.targets[0].head_k[cell]));
    CHECK(table.targets[0].head_k[cell] >= 2);
  }
  const nlohmann::json heads = json_of(world, "tt-calibrate show budget.h5 --layer 0");
  CHECK(heads.at("rows").at(1).at("head_k") == format_k(table.targets[0].head_k[1]));
  for (const std::string form : {"json", "txt"}) {
    (void)world.output("tt-calibrate convert budget.h5 -o b." + form);
    (void)world.output("tt-calibrate convert b." + form + " -o back.h5");
    CHECK(load_table(world.path("back.h5")).targets[0].head_k == table.targets[0].head_k);
  }
  for (const std::string form : {"csv", "npz", "safetensors", "h"})
    (void)world.output("tt-calibrate convert budget.h5 -o b." + form);
  CHECK(world.content("b.h").find("toptheta_head_k[8]") != std::string::npos);

  const nlohmann::json run =
      json_of(world,
              "tt-eval run --model model --task a.txt --attention theta --thresholds budget.h5 --sdc exact")
          .at("runs")
          .at(0);
  CHECK(run.at("policy").at("head_k").size() == 8);
  CHECK(run.at("policy").at("head_k").at(1) == table.targets[0].head_k[1]);
  CHECK(run.at("sparsity").at("effective_k_ratio") == Approx(1).margin(0.2));
  require_status(
      world, "tt-eval run --model model --task a.txt --attention theta --thresholds budget.h5 --layer-k 0:4",
      2, "the layers' own k are not what the thresholds were calibrated for");
}

TEST_CASE("budget: sensitivities weigh what heads lose") {
  const World world;
  (void)world.output("tt-calibrate fit" + kTexts + " -k 4,8 --curve -o theta.h5");
  (void)world.output(
      "tt-eval sensitivity --model model --task quiz.jsonl --thresholds theta.h5 -k 4 --format json -o "
      "measured.json");
  const nlohmann::json plan =
      json_of(world, "tt-calibrate budget theta.h5 --uniform-k 8 --sensitivity measured.json -o budget.h5");
  CHECK(plan.at("predicted").at("nll_difference") <= plan.at("uniform").at("nll_difference"));
  CHECK(plan.at("bound") <= plan.at("predicted").at("nll_difference").get<double>() * (1 + 1e-12));
  CHECK(plan.at("provenance").at("inputs").dump().find("measured.json") != std::string::npos);
  // Of two layers the one that matters gets what there is.
  const auto k_of_layer = [&](double first, double second, const std::string& per) {
    nlohmann::json answer = {
        {"schema", "toptheta.sensitivity/1"}, {"per", "layer"}, {"rows", nlohmann::json::array()}};
    for (const double loss : {first, second})
      answer["rows"].push_back(
          {{"layer", answer["rows"].size()}, {"nll_difference", loss}, {"stderr", 1e-6}, {"lost_mass", 0.5}});
    world.write("made.json", answer.dump());
    const nlohmann::json rows = json_of(world, "tt-calibrate budget theta.h5 --uniform-k 8 --per " + per +
                                                   " --sensitivity made.json -o made.h5")
                                    .at("rows");
    double sums[2] = {0, 0};
    for (const auto& row : rows)
      sums[row.at("layer").get<int>()] += row.at("kept").get<double>();
    return sums[0] / sums[1];
  };
  for (const std::string per : {"head", "layer"}) {
    CHECK(k_of_layer(0.5, 0.01, per) > 1.2);
    CHECK(k_of_layer(0.01, 0.5, per) < 0.8);
    CHECK(k_of_layer(0.5, -0.1, per) > 1.2);
  }
  require_status(world, "tt-calibrate budget theta.h5 --lost-mass 0.1 --sensitivity measured.json -o b.h5", 2,
                 "--lost-mass");
  require_status(world, "tt-calibrate budget theta.h5 --uniform-k 8 --sensitivity theta.h5 -o b.h5", 3,
                 "theta.h5");
  require_status(world, "tt-calibrate budget theta.h5 --uniform-k 8 --sensitivity model/config.json -o b.h5",
                 3, "not a sensitivity");
  world.write("made.json", R"({"schema": "toptheta.sensitivity/1", "per": "layer", "rows": [
      {"layer": 0, "nll_difference": 0.1, "stderr": 0.01, "lost_mass": 0.5}]})");
  require_status(world, "tt-calibrate budget theta.h5 --uniform-k 8 --sensitivity made.json -o b.h5", 3,
                 "another model than the table");
  world.write("made.json", R"({"schema": "toptheta.sensitivity/1", "per": "layer", "rows": [
      {"layer": 0, "nll_difference": 0.1, "stderr": 0.01, "lost_mass": 50}]})");
  require_status(world, "tt-calibrate budget theta.h5 --uniform-k 8 --sensitivity made.json -o b.h5", 3,
                 "not a share");
}

TEST_CASE("budget: per layer it prints a --layer-k that fit takes") {
  const World world;
  (void)world.output("tt-calibrate fit" + kTexts + " -k 8 --curve -o theta.h5");
  const nlohmann::json plan =
      json_of(world, "tt-calibrate budget theta.h5 --kept-fraction 0.3 --per layer -o layers.h5");
  CHECK(plan.at("rows").size() == 2);
  const std::string flag = plan.at("layer_k");
  const ThresholdTable table = load_table(world.path("layers.h5"));
  CHECK(table.targets[0].head_k.empty());
  CHECK(flag == "0:" + format_k(table.targets[0].layer_k[0]) + ",1:" + format_k(table.targets[0].layer_k[1]));
  (void)world.output("tt-calibrate fit" + kTexts + " -k 8 --layer-k " + flag + " -o again.h5");
  CHECK(load_table(world.path("again.h5")).targets[0].layer_k == table.targets[0].layer_k);
}

TEST_CASE("budget: what cannot be") {
  const World world;
  (void)world.output("tt-calibrate fit" + kTexts + " -k 8 -o plain.h5");
  (void)world.output("tt-calibrate fit" + kTexts + " -k 8 --curve -o theta.h5");
  require_status(world, "tt-calibrate budget", 2, "no threshold table given");
  require_status(world, "tt-calibrate budget theta.h5 --kept-fraction 0.1", 2, "-o");
  require_status(world, "tt-calibrate budget theta.h5 -o b.h5", 2, "no budget given");
  require_status(world, "tt-calibrate budget theta.h5 --v-rows 0.1 --lost-mass 0.1 -o b.h5", 2,
                 "more than one");
  require_status(world, "tt-calibrate budget theta.h5 --kept-fraction 1.5 -o b.h5", 2, "not an amount");
  require_status(world, "tt-calibrate budget theta.h5 --kept-fraction 0.01 --min-k 30 -o b.h5", 2,
                 "smallest k");
  require_status(world, "tt-calibrate budget plain.h5 --kept-fraction 0.1 -o b.h5", 2, "no curves");
  require_status(world, "tt-calibrate budget theta.h5 --kept-fraction 0.1 -o theta.h5", 2, "overwrite");
  require_status(world, "tt-calibrate budget missing.h5 --kept-fraction 0.1 -o b.h5", 3, "missing.h5");
  CHECK_FALSE(world.has("b.h5"));
}

TEST_CASE("drift: tables, with and without curves, and dumps") {
  const World world;
  (void)world.output("tt-calibrate fit --model model --text a.txt -k 4,8 --curve -o a.h5");
  (void)world.output("tt-calibrate fit --model model --text b.txt -k 8 --curve -o b.h5");
  (void)world.output("tt-calibrate fit --model model --text b.txt -k 8 -o plain.h5");
  const nlohmann::json same = json_of(world, "tt-calibrate drift a.h5 a.h5 --tolerance 0");
  CHECK(same.at("recalibrate") == 0);
  CHECK(same.at("rows").size() == 16);
  for (const auto& row : same.at("rows")) {
    CHECK(row.at("difference") == 0);
    CHECK(row.at("a_on_b") == 1);
    CHECK(row.at("distance") == 0);
  }
  const nlohmann::json moved = json_of(world, "tt-calibrate drift a.h5 b.h5");
  CHECK(moved.at("rows").size() == 8);  // k = 8, which both have
  CHECK(moved.at("rows").at(3).at("distance") > 0);
  CHECK(moved.at("rows").at(3).at("a_on_b") != 1);
  const nlohmann::json plain = json_of(world, "tt-calibrate drift plain.h5 plain.h5 --tolerance 0");
  CHECK(plain.at("rows").at(0).at("a_on_b").is_null());
  CHECK(plain.at("criterion").get<std::string>().find("softmax weight") != std::string::npos);
  const Outcome failed = world.run("tt-calibrate drift a.h5 b.h5 --tolerance 0.0001 -o drift.json");
  CHECK(failed.status == 1);
  CHECK(failed.err.find("heads need recalibration") != std::string::npos);
  CHECK(failed.err.find("layer") != std::string::npos);
  CHECK(nlohmann::json::parse(world.content("drift.json")).at("recalibrate") > 0);

  (void)world.output("tt-calibrate dump --model model --text a.txt -o da.h5");
  (void)world.output("tt-calibrate dump --model model --text b.txt -o db.h5");
  CHECK(json_of(world, "tt-calibrate drift da.h5 da.h5 --tolerance 0").at("recalibrate") == 0);
  const nlohmann::json dumps = json_of(world, "tt-calibrate drift da.h5 db.h5 -k 8");
  CHECK(dumps.at("rows").size() == 8);
  CHECK(dumps.at("rows").at(3).at("distance") == moved.at("rows").at(3).at("distance"));
}

TEST_CASE("drift: what cannot be") {
  const World world;
  (void)world.output("tt-calibrate fit --model model --text a.txt -k 4 -o a.h5");
  (void)world.output("tt-calibrate fit --model model --text a.txt -k 8 -o b.h5");
  (void)world.output("tt-calibrate fit --model model --text a.txt -k 4 --placement post-softmax -o post.h5");
  (void)world.output("tt-calibrate fit --model other-model --text a.txt -k 4 -o other.h5");
  require_status(world, "tt-calibrate drift a.h5", 2, "compares two files");
  require_status(world, "tt-calibrate drift a.h5 b.h5", 2, "no k in common");
  require_status(world, "tt-calibrate drift a.h5 dump.h5", 2, "a table and a dump");
  require_status(world, "tt-calibrate drift a.h5 a.h5 -k 5", 2, "holds no thresholds for k = 5");
  require_status(world, "tt-calibrate drift a.h5 missing.h5", 3, "missing.h5");
  require_status(world, "tt-calibrate drift a.h5 post.h5", 3, "placement");
  require_status(world, "tt-calibrate drift a.h5 a.h5 --placement post-softmax", 2, "contradicts the table");
  require_status(world, "tt-calibrate drift a.h5 other.h5", 3, "another shape");
}
