// Calibration as a whole: the dump's walk and the model's give the same table.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "calibrate/dump_from_model.hpp"
#include "calibrate/from_dumps.hpp"
#include "calibrate/from_model.hpp"
#include "core/error.hpp"
#include "core/parallel.hpp"
#include "eval/runner.hpp"
#include "support/catch.hpp"
#include "support/embedded_model.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;
using testing::embedded;

namespace {

std::vector<TextWindow> windows() {
  return text_windows(embedded(), {"data/calib-a/000.txt", "data/calib-a/001.txt"}, 80);
}

void check_equal(const ThresholdTable& a, const ThresholdTable& b) {
  REQUIRE(a.targets.size() == b.targets.size());
  for (std::size_t t = 0; t < a.targets.size(); ++t) {
    REQUIRE(a.targets[t].cells.size() == b.targets[t].cells.size());
    for (std::size_t c = 0; c < a.targets[t].cells.size(); ++c) {
      const auto& left = a.targets[t].cells[c];
      const auto& right = b.targets[t].cells[c];
      REQUIRE(left.size() == right.size());
      for (std::size_t i = 0; i < left.size(); ++i) {
        REQUIRE(left[i].length == right[i].length);
        REQUIRE(left[i].theta == right[i].theta);
        REQUIRE(left[i].std == right[i].std);
        REQUIRE(left[i].count == right[i].count);
        REQUIRE(left[i].kept_mass == right[i].kept_mass);
        REQUIRE((left[i].sdc == right[i].sdc || (std::isnan(left[i].sdc) && std::isnan(right[i].sdc))));
      }
    }
  }
}

}  // namespace

TEST_CASE("a dump of either content calibrates to the same table as the model itself", "[calibration]") {
  const testing::TempDir dir;
  for (const double fraction : {1.0, 0.3}) {
    CalibrationOptions options;
    options.k = {4, 16};
    options.add_sigma = 0.1;
    options.row_fraction = fraction;
    options.seed = 3;
    options.offline_sdc = true;
    const Calibration direct = calibrate_from_model(embedded(), windows(), options, false);
    for (const DumpContent content : {DumpContent::qk, DumpContent::scores}) {
      const auto path = dir.path(std::string(name_of(content)) + ".h5");
      ModelDumpOptions dump;
      dump.content = content;
      dump.file.element = DumpElement::f32;
      dump_from_model(embedded(), windows(), path, dump);
      check_equal(direct.table, calibrate_from_dumps({path}, options).table);
    }
  }
}

TEST_CASE("scores of a text longer than a chunk of the forward pass can be dumped", "[calibration]") {
  const testing::TempDir dir;
  const std::vector<TextWindow> window = text_windows(embedded(), {"data/calib-a/000.txt"}, 600);
  ModelDumpOptions dump;
  dump.content = DumpContent::scores;
  dump.row_fraction = 0.02;
  dump_from_model(embedded(), {window.front()}, dir.path("long.h5"), dump);
  CalibrationOptions options;
  options.k = {16};
  const Calibration calibration = calibrate_from_dumps({dir.path("long.h5")}, options);
  CHECK(calibration.table.targets[0].cells[0].back().length > 512);
}

TEST_CASE("rows that see a window of keys are in no dump, whatever it holds", "[calibration]") {
  const testing::TempDir dir;
  const auto model_dir = dir.path("mistral");
  std::filesystem::copy("data/model", model_dir);
  std::ifstream in("data/model/config.json");
  nlohmann::json config = nlohmann::json::parse(in);
  config["architectures"] = {"MistralForCausalLM"};
  config["model_type"] = "mistral";
  config["sliding_window"] = 64;
  std::ofstream(model_dir / "config.json") << config;
  LanguageModel model = load_language_model(model_dir);
  const std::vector<TextWindow> texts = text_windows(model, {"data/calib-a/000.txt"}, 80);
  for (const DumpContent content : {DumpContent::scores, DumpContent::qk}) {
    ModelDumpOptions dump;
    dump.content = content;
    dump.min_k = 8;
    CHECK_THROWS_AS(dump_from_model(model, texts, dir.path("windowed.h5"), dump), InputError);
    CHECK_FALSE(std::filesystem::exists(dir.path("windowed.h5")));
  }
  const std::vector<TextWindow> fitting = text_windows(model, {"data/calib-a/000.txt"}, 64);
  ModelDumpOptions dump;
  dump.min_k = 8;
  dump_from_model(model, {fitting.front()}, dir.path("whole.h5"), dump);
  CHECK(std::filesystem::exists(dir.path("whole.h5")));
}

TEST_CASE("top-k at calibration moves later layers only, and each k on its own", "[calibration]") {
  CalibrationOptions both;
  both.k = {4, 16};
  CalibrationOptions one;
  one.k = {16};
  const Calibration dense = calibrate_from_model(embedded(), windows(), both, false);
  const Calibration tac = calibrate_from_model(embedded(), windows(), both, true);
  const Calibration alone = calibrate_from_model(embedded(), windows(), one, true);
  CHECK(tac.table.meta.topk_at_calibration);
  const std::size_t last = tac.table.cell_index(3, 0);
  CHECK(dense.table.targets[1].cells[0].back().theta == tac.table.targets[1].cells[0].back().theta);
  CHECK(dense.table.targets[1].cells[last].back().theta != tac.table.targets[1].cells[last].back().theta);
  CHECK(tac.table.targets[1].cells[last].back().theta == alone.table.targets[0].cells[last].back().theta);
}

TEST_CASE("the table does not depend on the number of threads", "[calibration]") {
  CalibrationOptions options;
  options.k = {8};
  options.placement = Placement::post_softmax;
  set_thread_count(1);
  const Calibration single = calibrate_from_model(embedded(), windows(), options, true);
  set_thread_count(2);
  const Calibration twin = calibrate_from_model(embedded(), windows(), options, true);
  set_thread_count(0);
  check_equal(single.table, twin.table);
}

TEST_CASE("a k that no row exceeds is refused", "[calibration]") {
  CalibrationOptions options;
  options.k = {80};
  CHECK_THROWS_AS(calibrate_from_model(embedded(), windows(), options, false), Error);
}

TEST_CASE("on the one document it was calibrated on, the first layer keeps k of each row", "[calibration]") {
  CalibrationOptions options;
  options.k = {8};
  const TextWindow window = text_windows(embedded(), {"data/calib-a/002.txt"}, 200).front();
  const Calibration calibration = calibrate_from_model(embedded(), {window}, options, false);
  const Policy policy{.selection = Selection::theta, .k = 8};
  const ResolvedPolicy resolved(policy, embedded().transformer.config().shape, 1024, &calibration.table, "t");
  Task task;
  task.name = "same";
  task.examples = std::vector<TextDocument>{{"same", embedded().tokenizer.decode(window.tokens), ""}};
  const auto results = evaluate(embedded(), {{resolved, {.policy = policy}}}, task, {});
  for (std::int64_t head = 0; head < 8; ++head) {
    const HeadCount& count = results[0].sparsity.head(0, head);
    // The last token is not fed here, so that rows may be computed in other tiles: a score that equals its
    // own threshold may then fall on either side.
    CHECK(static_cast<double>(count.kept) / static_cast<double>(count.topk_kept) == Approx(1).margin(0.02));
  }
}
