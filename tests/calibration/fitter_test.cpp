#include "calibration/fitter.hpp"

#include <algorithm>
#include <functional>

#include "support/catch.hpp"
#include "support/random_rows.hpp"
#include "support/sample_table.hpp"
#include "support/temp_dir.hpp"
#include "theta/formats/table_file.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr std::int64_t kLayers = 2;
constexpr std::int64_t kHeads = 3;
constexpr std::int32_t kTokens = 40;
const ModelShape kShape = {kLayers, kHeads, 1, 8};

RandomScores sample(std::uint64_t seed) {
  return RandomScores(kLayers, kHeads, kTokens, seed);
}

std::vector<double> softmax_in_double(std::span<const float> row) {
  std::vector<double> weights(row.begin(), row.end());
  double sum = 0;
  for (double& weight : weights)
    sum += weight = std::exp(weight);
  for (double& weight : weights)
    weight /= sum;
  return weights;
}

// The entry that rows of one length should give, by sorting in double.
ThresholdEntry naive_entry(std::vector<RandomScores>& samples, std::int64_t layer, std::int64_t head,
                           std::int32_t length, std::int64_t k, Placement placement, double add_sigma) {
  std::vector<double> thresholds;
  double mass = 0;
  for (RandomScores& scores : samples) {
    const auto row = scores.row(layer, head, length);
    std::vector<double> weights = softmax_in_double(row);
    std::vector<double> values =
        placement == Placement::post_softmax ? weights : std::vector<double>(row.begin(), row.end());
    std::sort(values.begin(), values.end(), std::greater<>());
    std::sort(weights.begin(), weights.end(), std::greater<>());
    thresholds.push_back(values[static_cast<std::size_t>(k)]);
    for (std::int64_t j = 0; j < k; ++j)
      mass += weights[static_cast<std::size_t>(j)];
  }
  const auto count = static_cast<double>(thresholds.size());
  double mean = 0;
  double variance = 0;
  for (const double value : thresholds)
    mean += value / count;
  for (const double value : thresholds)
    variance += (value - mean) * (value - mean) / count;
  return {length,
          mean + add_sigma * std::sqrt(variance),
          std::sqrt(variance),
          static_cast<std::int64_t>(count),
          kNotCalibrated,
          mass / count};
}

std::string bytes_of(const TempDir& dir, const ThresholdTable& table) {
  save_table(table, dir.path("bytes.h5"));
  return file_text(dir.path("bytes.h5"));
}

}  // namespace

TEST_CASE("a fit is what sorting every row gives") {
  std::vector<RandomScores> samples = {sample(1), sample(2), sample(3)};
  for (const Placement placement : {Placement::pre_softmax, Placement::post_softmax}) {
    ThresholdFitter fitter({.k = {16, 4}, .layer_k = {{0, 9}}, .placement = placement, .add_sigma = 0.1},
                           kShape);
    CHECK(fitter.smallest_k() == 4);
    for (const RandomScores& scores : samples)
      scores.feed(fitter, 7);
    const ThresholdTable table = fitter.table({});
    CHECK(table.meta.shape == kShape);
    CHECK(table.meta.placement == placement);
    CHECK(table.meta.add_sigma == 0.1);
    CHECK(fitter.warnings().empty());
    REQUIRE(table.targets.size() == 2);
    for (const Target& target : table.targets) {
      CHECK(target.layer_k == std::vector<std::int64_t>{9, target.k});
      for (std::int64_t layer = 0; layer < kLayers; ++layer)
        for (std::int64_t head = 0; head < kHeads; ++head) {
          const auto& cell = target.cells[table.cell_index(layer, head)];
          const std::int64_t k = target.layer_k[static_cast<std::size_t>(layer)];
          REQUIRE(static_cast<std::int64_t>(cell.size()) == kTokens - k);
          for (const ThresholdEntry& entry : cell) {
            const ThresholdEntry naive = naive_entry(samples, layer, head, entry.length, k, placement, 0.1);
            CHECK(entry.count == 3);
            CHECK(entry.theta == Approx(naive.theta).epsilon(1e-5).margin(1e-6));
            CHECK(entry.std == Approx(naive.std).epsilon(1e-4).margin(1e-6));
            CHECK(entry.kept_mass == Approx(naive.kept_mass).epsilon(1e-5));
            CHECK(std::isnan(entry.sdc));
          }
        }
    }
  }
}

TEST_CASE("one sample: the threshold keeps exactly k of its row") {
  RandomScores scores = sample(8);
  ThresholdFitter fitter({.k = {5}, .add_sigma = 2}, kShape);
  scores.feed(fitter, kTokens);
  const ThresholdTable table = fitter.table({});
  for (const ThresholdEntry& entry : table.targets[0].cells[4]) {
    const auto row = scores.row(1, 1, entry.length);
    CHECK(std::count_if(row.begin(), row.end(),
                        [&](float x) { return static_cast<double>(x) > entry.theta; }) == 5);
  }
}

TEST_CASE("halves merged, other blocks, other thread counts: the same bytes") {
  const TempDir dir;
  const std::vector<RandomScores> samples = {sample(1), sample(2), sample(3), sample(4)};
  const FitOptions options{.k = {4, 16}, .add_sigma = 0.3};
  const auto fit = [&](std::size_t first, std::size_t last, std::int32_t rows) {
    auto fitter = std::make_unique<ThresholdFitter>(options, kShape);
    for (std::size_t i = first; i < last; ++i)
      samples[i].feed(*fitter, rows);
    return fitter;
  };
  const std::string whole = bytes_of(dir, fit(0, 4, kTokens)->table({}));
  CHECK(bytes_of(dir, fit(0, 4, 3)->table({})) == whole);
  for (const std::size_t cut : {std::size_t{1}, std::size_t{2}}) {
    const auto merged = fit(0, cut, 5);
    merged->merge(*fit(cut, 4, 5));
    CHECK(bytes_of(dir, merged->table({})) == whole);
    const auto backwards = fit(cut, 4, 5);
    backwards->merge(*fit(0, cut, 5));
    CHECK(bytes_of(dir, backwards->table({})) == whole);
  }
  for (const int threads : {1, 2}) {
    set_thread_count(threads);
    CHECK(bytes_of(dir, fit(0, 4, 7)->table({})) == whole);
  }
  set_thread_count(0);
}

TEST_CASE("rows taken after the softmax give the same as those before it") {
  RandomScores scores = sample(5);
  const FitOptions before{.k = {4}, .placement = Placement::post_softmax};
  FitOptions after = before;
  after.row_content = Placement::post_softmax;
  ThresholdFitter a(before, kShape);
  scores.feed(a, 10);
  for (std::int64_t layer = 0; layer < kLayers; ++layer)
    for (std::int64_t head = 0; head < kHeads; ++head)
      for (std::int32_t length = 1; length <= kTokens; ++length) {
        const auto row = scores.row(layer, head, length);
        const std::vector<double> weights = softmax_in_double(row);
        std::transform(weights.begin(), weights.end(), row.begin(),
                       [](double w) { return static_cast<float>(w); });
      }
  ThresholdFitter b(after, kShape);
  scores.feed(b, 10);
  const ThresholdTable left = a.table({});
  const ThresholdTable right = b.table({});
  for (std::size_t cell = 0; cell < left.targets[0].cells.size(); ++cell)
    for (std::size_t i = 0; i < left.targets[0].cells[cell].size(); ++i) {
      const ThresholdEntry& x = left.targets[0].cells[cell][i];
      const ThresholdEntry& y = right.targets[0].cells[cell][i];
      CHECK(x.length == y.length);
      CHECK(x.theta == Approx(y.theta).epsilon(1e-5));
      CHECK(x.kept_mass == Approx(y.kept_mass).epsilon(1e-5));
    }
}

TEST_CASE("wishes that cannot be met are refused") {
  const auto where = [](const FitOptions& options) {
    return problem_of<UsageError>([&] { ThresholdFitter(options, kShape); }).where;
  };
  CHECK(where({.k = {}}) == "-k");
  CHECK(where({.k = {4, 0}}) == "-k");
  CHECK(where({.k = {4, 8, 4}}) == "-k");
  CHECK(where({.k = {4}, .layer_k = {{2, 8}}}) == "--layer-k");
  CHECK(where({.k = {4}, .layer_k = {{0, kDenseK}, {1, kDenseK}}}) == "--layer-k");
  CHECK(where({.k = {4}, .add_sigma = kNotCalibrated}) == "--add-sigma");
  CHECK(where({.k = {4}, .row_content = Placement::post_softmax}) == "--placement pre-softmax");
}

TEST_CASE("rows that are all too short") {
  ThresholdFitter nothing({.k = {4}}, kShape);
  CHECK_THROWS_AS(nothing.table({}), InputError);

  ThresholdFitter fitter({.k = {4, kTokens}}, kShape);
  sample(1).feed(fitter, 10);
  const Problem problem = problem_of<UsageError>([&] { (void)fitter.table({}); });
  CHECK(problem.where == "-k 40");
  CHECK(problem.found == "at most 40");

  ThresholdFitter layer({.k = {4}, .layer_k = {{0, 64}}}, kShape);
  sample(1).feed(layer, 10);
  CHECK(layer.table({}).targets[0].cells[0].empty());
  CHECK(layer.warnings() ==
        std::vector<std::string>{"-k 4: layer 0 has no thresholds for 3 of 3 heads: its longest "
                                 "row has 40 keys, its k is 64"});

  ThresholdFitter some({.k = {4}}, kShape);
  some.add(sample(1).block(1, 2, 0, kTokens));
  CHECK(some.warnings() ==
        std::vector<std::string>{
            "-k 4: layer 0 has no thresholds for 3 of 3 heads: it is not in the input",
            "-k 4: layer 1 has no thresholds for 2 of 3 heads: rows of more than 4 keys came "
            "from other heads only"});
}

TEST_CASE("dense layers are left alone") {
  ThresholdFitter fitter({.k = {4}, .layer_k = {{1, kDenseK}}}, kShape);
  sample(1).feed(fitter, 10);
  const ThresholdTable table = fitter.table({});
  CHECK(table.targets[0].cells[3].empty());
  CHECK(table.targets[0].layer_k == std::vector<std::int64_t>{4, kDenseK});
  CHECK(fitter.warnings().empty());
}

TEST_CASE("values that cannot be scores or weights are named") {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    RandomScores scores = sample(1);
    scores.row(1, 2, 9)[3] = bad;
    ThresholdFitter fitter({.k = {4}}, kShape);
    const Problem problem = problem_of<InputError>([&] { scores.feed(fitter, 10); });
    CHECK(problem.where == "layer 1, head 2, row of 9 keys, key 3");
    ThresholdFitter dense({.k = {9}}, kShape);
    CHECK_NOTHROW(scores.feed(dense, 10));  // the row is dense: nobody looks at it
  }
  ThresholdFitter fitter(
      {.k = {4}, .placement = Placement::post_softmax, .row_content = Placement::post_softmax}, kShape);
  CHECK_THROWS_AS(sample(1).feed(fitter, 10), InputError);
}
