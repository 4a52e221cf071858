#include "calibration/curve_fitter.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "calibration/fitter.hpp"
#include "calibration/joint_sink.hpp"
#include "calibration/retarget.hpp"
#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"
#include "support/sample_table.hpp"
#include "support/state_image.hpp"
#include "support/temp_dir.hpp"
#include "theta/formats/table_file.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr std::int64_t kLayers = 2;
constexpr std::int64_t kHeads = 3;
constexpr std::int32_t kTokens = 70;
const ModelShape kShape = {kLayers, kHeads, 1, 8};

RandomScores sample(std::uint64_t seed) {
  return RandomScores(kLayers, kHeads, kTokens, seed);
}

ScoreCurves curves_of(const std::vector<RandomScores>& samples, Placement placement, std::int32_t rows = 7) {
  CurveFitter fitter(placement, Placement::pre_softmax, kShape);
  for (const RandomScores& scores : samples)
    scores.feed(fitter, rows);
  return fitter.curves();
}

ThresholdTable table_of(ScoreCurves curves, Placement placement) {
  ThresholdTable table;
  table.meta.shape = kShape;
  table.meta.placement = placement;
  table.curves = std::move(curves);
  return table;
}

}  // namespace

TEST_CASE("curves hold every element and the whole mass of every row") {
  std::vector<RandomScores> samples = {sample(1), sample(2)};
  for (const Placement placement : {Placement::pre_softmax, Placement::post_softmax}) {
    const ScoreCurves curves = curves_of(samples, placement);
    REQUIRE(curves.cells.size() == 6);
    for (std::int64_t layer = 0; layer < kLayers; ++layer)
      for (std::int64_t head = 0; head < kHeads; ++head)
        for (const ScoreCurve& curve : curves.cells[static_cast<std::size_t>(layer * kHeads + head)]) {
          // Everything again, naively, at one edge after the other.
          std::vector<double> values;
          std::vector<double> weights;
          std::int64_t rows = 0;
          for (RandomScores& scores : samples)
            for (std::int32_t n = 1; n <= kTokens; ++n) {
              if (length_bin(n) != curve.length_bin) continue;
              ++rows;
              const auto row = scores.row(layer, head, n);
              double sum = 0;
              for (const float s : row)
                sum += std::exp(static_cast<double>(s));
              for (const float s : row) {
                const double p = std::exp(static_cast<double>(s)) / sum;
                weights.push_back(p);
                values.push_back(placement == Placement::pre_softmax ? static_cast<double>(s) : p);
              }
            }
          CHECK(curve.rows == rows);
          const CurveReader reader(curve, placement);
          CHECK(reader.mean_length() * static_cast<double>(rows) == static_cast<double>(values.size()));
          for (const CurveBin& bin : curve.bins) {
            const double edge = lower_edge(bin.bin, placement);
            double kept = 0;
            double mass = 0;
            for (std::size_t i = 0; i < values.size(); ++i)
              if (values[i] >= edge * (1 - 1e-6) - 1e-12) kept += 1, mass += weights[i];
            // A weight may round across an edge.
            CHECK(std::abs(reader.kept(edge) * static_cast<double>(rows) - kept) <=
                  (placement == Placement::pre_softmax ? 0.01 : 1.01));
            CHECK(reader.kept_mass(edge) * static_cast<double>(rows) ==
                  Approx(mass).epsilon(0.01).margin(1e-4));
          }
        }
  }
}

TEST_CASE("curves do not depend on blocks, threads, merging or interruption") {
  const std::vector<RandomScores> samples = {sample(1), sample(2), sample(3)};
  const ScoreCurves whole = curves_of(samples, Placement::pre_softmax);
  CHECK(curves_of(samples, Placement::pre_softmax, kTokens) == whole);
  for (const int threads : {1, 2}) {
    set_thread_count(threads);
    CHECK(curves_of(samples, Placement::pre_softmax, 1) == whole);
  }
  set_thread_count(0);
  CurveFitter last(Placement::pre_softmax, Placement::pre_softmax, kShape);
  CurveFitter first(Placement::pre_softmax, Placement::pre_softmax, kShape);
  CurveFitter second(Placement::pre_softmax, Placement::pre_softmax, kShape);
  samples[2].feed(second, 2);
  add_image(last, image_of(second));
  samples[1].feed(first, 4);
  last.merge(first);
  samples[0].feed(last, 9);
  CHECK(last.curves() == whole);
  CurveFitter loaded(Placement::pre_softmax, Placement::pre_softmax, kShape);
  add_image(loaded, image_of(last));
  CHECK(image_of(loaded) == image_of(last));
}

TEST_CASE("blocks of one head may come at the same time, and in any order") {
  const RandomScores scores = sample(8);
  CurveFitter whole(Placement::pre_softmax, Placement::pre_softmax, kShape);
  scores.feed(whole, kTokens);
  CurveFitter fitter(Placement::pre_softmax, Placement::pre_softmax, kShape);
  REQUIRE(fitter.is_order_free());
  set_thread_count(4);
  parallel_for(kLayers * kHeads * kTokens, [&](std::int64_t i) {
    const std::int64_t row = i / (kLayers * kHeads);
    fitter.add(
        scores.block(i % kLayers, i / kLayers % kHeads, static_cast<std::int32_t>(kTokens - 1 - row), 1));
  });
  set_thread_count(0);
  CHECK(fitter.curves() == whole.curves());
}

TEST_CASE("saved curves of another shape are refused") {
  CurveFitter large(Placement::pre_softmax, Placement::pre_softmax, {kLayers, kHeads + 1, 1, 8});
  RandomScores(kLayers, kHeads + 1, 20, 1).feed(large, 5);
  CurveFitter fitter(Placement::pre_softmax, Placement::pre_softmax, kShape);
  CHECK(problem_of<InputError>([&] { add_image(fitter, image_of(large)); }).what ==
        "a value out of range or out of order");
}

TEST_CASE("a pass for thresholds and curves gives each what a pass of its own does") {
  const RandomScores scores(kLayers, kHeads, 300, 5);  // more than the joint sink passes on at a time
  ThresholdFitter thresholds({.k = {4, 12}}, kShape);
  CurveFitter curves(Placement::pre_softmax, Placement::pre_softmax, kShape);
  JointSink joint(thresholds, curves);
  scores.feed(joint, 300);
  ThresholdFitter thresholds_alone({.k = {4, 12}}, kShape);
  CurveFitter curves_alone(Placement::pre_softmax, Placement::pre_softmax, kShape);
  scores.feed(thresholds_alone, 11);
  scores.feed(curves_alone, 7);
  check_same(thresholds.table({}), thresholds_alone.table({}));
  CHECK(curves.curves() == curves_alone.curves());
}

TEST_CASE("curves come back from a table's file") {
  const TempDir dir;
  ThresholdTable table =
      table_of(curves_of({sample(1), sample(2)}, Placement::pre_softmax), Placement::pre_softmax);
  table.targets.push_back(pooled_target(table, 8, {}));
  save_table(table, dir.path("t.h5"));
  CHECK(load_table(dir.path("t.h5")).curves == table.curves);
  table.curves.cells[1][2].bins[1].bin = table.curves.cells[1][2].bins[0].bin;
  save_table(table, dir.path("bad.h5"));
  CHECK_THROWS_AS(load_table(dir.path("bad.h5")), InputError);
}

TEST_CASE("a pooled threshold keeps k on average, also where rows differ widely") {
  // Every row shifted by its own amount: the mean of the rows' thresholds would keep far more than k.
  for (const Placement placement : {Placement::pre_softmax, Placement::post_softmax}) {
    std::vector<RandomScores> samples;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      samples.push_back(sample(seed));
      Random random(seed, 1);
      for (std::int64_t layer = 0; layer < kLayers; ++layer)
        for (std::int64_t head = 0; head < kHeads; ++head)
          for (std::int32_t n = 1; n <= kTokens; ++n) {
            const auto shift = static_cast<float>(4 * random.uniform());
            for (float& s : samples.back().row(layer, head, n))
              s += shift;
          }
    }
    const ThresholdTable table = table_of(curves_of(samples, placement), placement);
    const Target target = pooled_target(table, 6, {{0, 9}});
    CHECK(target.layer_k == std::vector<std::int64_t>{9, 6});
    for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
      const auto layer = static_cast<std::int64_t>(cell) / kHeads;
      const double k = layer == 0 ? 9 : 6;
      double kept = 0;
      double rows = 0;
      for (const ThresholdEntry& entry : target.cells[cell]) {
        CHECK(entry.length > k);
        for (RandomScores& scores : samples) {
          const auto row = scores.row(layer, static_cast<std::int64_t>(cell) % kHeads, entry.length);
          double sum = 0;
          for (const float s : row)
            sum += std::exp(static_cast<double>(s));
          for (const float s : row) {
            const double x = placement == Placement::pre_softmax ? static_cast<double>(s)
                                                                 : std::exp(static_cast<double>(s)) / sum;
            kept += x > entry.theta ? 1 : 0;
          }
          ++rows;
        }
      }
      CHECK(kept / rows == Approx(k).epsilon(0.05));
    }
  }
}

TEST_CASE("thresholds of k = 8 ... 512 lie within a bin of the exact pooled quantiles") {
  constexpr std::int32_t kLength = 640;
  constexpr std::size_t kRows = 9;
  for (const Placement placement : {Placement::pre_softmax, Placement::post_softmax}) {
    // Normal scores, each row with a height and a width of its own, some of it far out.
    Random random(21);
    CurveFitter fitter(placement, Placement::pre_softmax, {1, 1, 1, 1});
    std::vector<double> pooled;
    for (std::size_t r = 0; r < kRows; ++r) {
      const double height = 6 * random.uniform();
      const double width = 0.5 + 4 * random.uniform();
      std::vector<float> row(kLength);
      for (float& s : row)
        s = static_cast<float>(height +
                               width * (random.uniform() + random.uniform() + random.uniform() - 1.5));
      row[r] = -3000;  // wider than the window of bins
      const std::vector<std::int32_t> lengths = {kLength};
      fitter.add({0, 0, row.data(), kLength, lengths});
      double sum = 0;
      for (const float s : row)
        sum += std::exp(static_cast<double>(s));
      for (const float s : row)
        pooled.push_back(placement == Placement::pre_softmax ? static_cast<double>(s)
                                                             : std::exp(static_cast<double>(s)) / sum);
    }
    std::sort(pooled.begin(), pooled.end(), std::greater<>());
    const ScoreCurves curves = fitter.curves();
    REQUIRE(curves.cells[0].size() == 1);
    const CurveReader reader(curves.cells[0][0], placement);
    for (const std::size_t k : {8, 16, 32, 64, 128, 256, 512}) {
      // Any threshold from the first value dropped up to the last value kept keeps exactly k on average.
      const double dropped = pooled[k * kRows];
      const double kept = pooled[k * kRows - 1];
      const double theta = reader.theta(static_cast<double>(k));
      INFO("k = " << k << ", theta " << theta << " for " << dropped << " to " << kept);
      if (placement == Placement::pre_softmax) {
        CHECK(theta >= dropped - kScoreBin);
        CHECK(theta <= kept + kScoreBin);
      } else {
        CHECK(theta >= dropped * (1 - 1.0 / 32 - 1e-6));
        CHECK(theta <= kept * (1 + 1.0 / 32 + 1e-6));
      }
    }
  }
}

TEST_CASE("weights that no softmax made are refused") {
  CurveFitter fitter(Placement::post_softmax, Placement::post_softmax, {1, 1, 1, 1});
  const std::vector<std::int32_t> lengths = {4};
  const std::vector<float> good = {0.5F, 0.25F, 0.125F, 0.125F};
  fitter.add({0, 0, good.data(), 4, lengths});
  const std::vector<float> bad = {0.5F, 0.5F, 0.5F, 0.5F};
  CHECK(problem_of<InputError>([&] {
          fitter.add({0, 0, bad.data(), 4, lengths});
        }).what == "its softmax weights add up to more than 1");
  // What was counted of the refused block is forgotten, also by the next block of this thread.
  CurveFitter other(Placement::post_softmax, Placement::post_softmax, {1, 1, 1, 1});
  other.add({0, 0, good.data(), 4, lengths});
  const std::vector<CurveBin> bins = other.curves().cells[0][0].bins;
  REQUIRE(bins.size() == 3);
  CHECK(bins[0].count == 2);
  CHECK(bins[0].mass == std::int64_t{1} << 34);
}

TEST_CASE("more rows and elements than one window of bins holds are counted") {
  // 1,500 rows of one element each, then one row longer than the window's room for elements.
  CurveFitter fitter(Placement::pre_softmax, Placement::pre_softmax, {1, 1, 1, 1});
  const std::vector<float> same(1500, 2.5F);
  const std::vector<std::int32_t> ones(1500, 1);
  fitter.add({0, 0, same.data(), 1, ones});
  constexpr std::int32_t kLong = (1 << 20) + 77;
  const std::vector<float> row(kLong + 3, 1.0F);
  const std::vector<std::int32_t> lengths = {kLong, 3};
  fitter.add({0, 0, row.data(), kLong, lengths});
  const ScoreCurves curves = fitter.curves();
  REQUIRE(curves.cells[0].size() == 3);
  REQUIRE(curves.cells[0][0].bins.size() == 1);
  CHECK(curves.cells[0][0].bins[0].bin == 80);
  CHECK(curves.cells[0][0].bins[0].count == 1500);
  CHECK(static_cast<double>(curves.cells[0][0].bins[0].mass) * kMassUnit == Approx(1500).epsilon(1e-6));
  for (const std::size_t curve : {1, 2}) {
    CHECK(curves.cells[0][curve].rows == 1);
    REQUIRE(curves.cells[0][curve].bins.size() == 1);
    CHECK(curves.cells[0][curve].bins[0].count == (curve == 1 ? 3 : kLong));
    CHECK(static_cast<double>(curves.cells[0][curve].bins[0].mass) * kMassUnit == Approx(1).epsilon(1e-5));
  }
}

TEST_CASE("kept fraction and kept mass name a k") {
  const ThresholdTable table =
      table_of(curves_of({sample(1), sample(2), sample(3)}, Placement::pre_softmax), Placement::pre_softmax);
  // Rows of 1 ... 70: the k whose sum of min(n, k) is nearest to a quarter of the sum of n.
  const auto share = [](double k) {
    double kept = 0;
    double visible = 0;
    for (int n = 1; n <= kTokens; ++n)
      kept += std::min<double>(n, k), visible += n;
    return kept / visible;
  };
  const std::int64_t k = k_of_kept_fraction(table, 0.25);
  CHECK(std::abs(share(static_cast<double>(k)) - 0.25) < 0.02);
  const std::int64_t low = k_of_kept_mass(table, 0.5);
  const std::int64_t high = k_of_kept_mass(table, 0.95);
  CHECK(low >= 1);
  CHECK(low < high);
  CHECK(high < kTokens);
  CHECK_THROWS_AS(k_of_kept_mass(table, 1.0), UsageError);
  CHECK_THROWS_AS(k_of_kept_fraction(table, 0.0), UsageError);
  CHECK_THROWS_AS(pooled_target(table, kTokens, {}), UsageError);
  CHECK_THROWS_AS(pooled_target(ThresholdTable{table.meta, {}}, 4, {}), UsageError);
}
