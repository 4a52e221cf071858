#include "calibration/running_row.hpp"

#include <cmath>

#include "calibration/fitter.hpp"
#include "calibration/row_auditor.hpp"
#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

// The method's words in double: tile 0, then from the row's own tile back to tile 1.
std::vector<double> naive_running(std::span<const float> row, double sink_weight = 0) {
  constexpr std::size_t kTile = 128;
  const std::size_t tiles = (row.size() + kTile - 1) / kTile;
  std::vector<double> values(row.size());
  double sum = sink_weight;
  for (std::size_t visit = 0; visit < tiles; ++visit) {
    const std::size_t tile = visit == 0 ? 0 : tiles - visit;
    const std::size_t end = std::min(row.size(), (tile + 1) * kTile);
    for (std::size_t j = tile * kTile; j < end; ++j)
      sum += std::exp(static_cast<double>(row[j]));
    for (std::size_t j = tile * kTile; j < end; ++j)
      values[j] = std::exp(static_cast<double>(row[j])) / sum;
  }
  return values;
}

double naive_threshold(std::span<const float> row, std::int64_t k) {
  std::vector<double> values = naive_running(row);
  std::sort(values.begin(), values.end(), std::greater<>());
  return values[static_cast<std::size_t>(k)];
}

}  // namespace

TEST_CASE("values of a running softmax are those of its definition, with the sink in every sum") {
  RandomScores scores(1, 1, 400, 3);
  for (const std::int32_t length : {1, 127, 128, 129, 300, 400})
    for (const float sink : {-std::numeric_limits<float>::infinity(), 5.0F}) {
      const auto row = scores.row(0, 0, length);
      RunningRow running;
      running.weigh(row, 0, sink);
      const std::vector<double> expected = naive_running(row, std::exp(static_cast<double>(sink)));
      double mass = 0;
      double all = std::exp(static_cast<double>(sink));
      for (const float score : row)
        all += std::exp(static_cast<double>(score));
      std::int64_t above = 0;
      for (std::size_t j = 0; j < row.size(); ++j) {
        REQUIRE(static_cast<double>(running.values()[j]) == Approx(expected[j]).epsilon(1e-6));
        if (running.values()[j] <= 0.004F) continue;
        mass += std::exp(static_cast<double>(row[j])) / all;
        ++above;
      }
      CHECK(running.above(0.004F).count == above);
      CHECK(running.above(0.004F).sum == Approx(mass).epsilon(1e-5).margin(1e-9));
    }
}

TEST_CASE("a running softmax survives scores far apart, and tiles begin at positions of the sequence") {
  std::vector<float> row(300, -5000.0F);
  row[200] = 3000.0F;
  RunningRow running;
  running.weigh(row, 0, -std::numeric_limits<float>::infinity());
  CHECK(running.values()[5] == Approx(1.0 / 128));  // the first tile knows of nothing larger yet
  CHECK(running.values()[299] == Approx(1.0 / (128 + 44)));
  CHECK(running.values()[200] == 1.0F);
  CHECK(running.values()[130] == 0.0F);
  // A window that begins at position 100: its first tile is the rest of tile 0.
  const std::vector<float> flat(200, 1.0F);
  running.weigh(flat, 100, -std::numeric_limits<float>::infinity());
  CHECK(running.values()[27] == Approx(1.0 / 28));
  CHECK(running.values()[199] == Approx(1.0 / (28 + 44)));
  CHECK(running.values()[28] == Approx(1.0 / 200));
}

TEST_CASE("thresholds of running-softmax are means of the (k+1)-th largest, and audits keep k by them") {
  constexpr std::int32_t kTokens = 280;
  const ModelShape shape = {1, 2, 1, 8};
  std::vector<RandomScores> samples = {RandomScores(1, 2, kTokens, 5), RandomScores(1, 2, kTokens, 6)};
  ThresholdFitter fitter({.k = {4, 40}, .placement = Placement::running_softmax, .add_sigma = 0}, shape);
  for (const RandomScores& scores : samples)
    scores.feed(fitter, 16);
  const ThresholdTable table = fitter.table({});
  CHECK(table.meta.placement == Placement::running_softmax);
  for (const Target& target : table.targets)
    for (std::int64_t head = 0; head < 2; ++head)
      for (const ThresholdEntry& entry : target.cells[static_cast<std::size_t>(head)]) {
        double sum = 0;
        for (RandomScores& scores : samples)
          sum += naive_threshold(scores.row(0, head, entry.length), target.k);
        REQUIRE(entry.theta == Approx(sum / 2).epsilon(1e-6));
      }
  RowAuditor auditor(table, {40}, Placement::pre_softmax, kTokens);
  auditor.start_document();
  for (const RandomScores& scores : samples)
    scores.feed(auditor, 16);
  std::int64_t kept = 0;
  for (RandomScores& scores : samples)
    for (std::int32_t length = 41; length <= kTokens; ++length) {
      const std::vector<double> values = naive_running(scores.row(0, 0, length));
      const double theta = table.targets[1].cells[0][static_cast<std::size_t>(length - 41)].theta;
      kept += std::count_if(values.begin(), values.end(), [theta](double x) { return x > theta; });
    }
  CHECK(std::abs(auditor.head(0, 0).kept - kept) <= 2);  // of a value within rounding of its threshold
  CHECK_THROWS_AS(RowAuditor(table, {40}, Placement::post_softmax, kTokens), UsageError);
}

TEST_CASE("weights after the softmax do not serve running-softmax") {
  CHECK_THROWS_AS(
      ThresholdFitter(
          {.k = {4}, .placement = Placement::running_softmax, .row_content = Placement::post_softmax},
          {1, 1, 1, 8}),
      UsageError);
}
