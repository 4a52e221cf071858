#include "calibration/curve_fitter.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "calibration/retarget.hpp"
#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"
#include "support/temp_dir.hpp"
#include "theta/table_file.hpp"

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
  CurveFitter last(Placement::pre_softmax, Placement::pre_softmax, kShape,
                   curves_of({samples[2]}, Placement::pre_softmax));
  CurveFitter first(Placement::pre_softmax, Placement::pre_softmax, kShape);
  samples[1].feed(first, 4);
  last.merge(first);
  samples[0].feed(last, 9);
  CHECK(last.curves() == whole);
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
