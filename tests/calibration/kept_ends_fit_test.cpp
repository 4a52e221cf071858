// Thresholds beside what rows keep in any case, against a plain version in double.
#include "calibration/fitter.hpp"
#include "calibration/row_auditor.hpp"
#include "calibration/sdc_fitter.hpp"
#include "core/running_tiles.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"
#include "support/sample_table.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr KeptEnds kEnds = {2, 3};
constexpr std::int32_t kLongRow = 300;  // more than two tiles of running softmax

// The row as thresholds of a placement see it, in double.
std::vector<double> plain_values(std::span<const float> row, Placement placement) {
  std::vector<double> values(row.begin(), row.end());
  if (placement == Placement::pre_softmax) return values;
  double whole = 0;
  for (const float score : row)
    whole += std::exp(static_cast<double>(score));
  double seen = 0;
  for_each_running_tile(0, std::ssize(row), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t j = begin; j < end; ++j)
      seen += std::exp(values[static_cast<std::size_t>(j)]);
    for (std::int64_t j = begin; j < end; ++j)
      values[static_cast<std::size_t>(j)] = std::exp(static_cast<double>(row[static_cast<std::size_t>(j)])) /
                                            (placement == Placement::post_softmax ? whole : seen);
  });
  return values;
}

// The threshold of the rest of the row under which k are kept in all.
double plain_threshold(std::span<const float> row, Placement placement, std::int64_t k) {
  std::vector<double> values = plain_values(row, placement);
  std::vector<double> rest(values.begin() + kEnds.first, values.end() - kEnds.recent);
  std::sort(rest.begin(), rest.end(), std::greater<>());
  return rest[static_cast<std::size_t>(k - kEnds.count())];
}

}  // namespace

TEST_CASE("theta is fitted to the rest of the row, and k are kept in all") {
  for (const Placement placement :
       {Placement::pre_softmax, Placement::post_softmax, Placement::running_softmax}) {
    INFO(name_of(placement));
    RandomScores scores(1, 2, kLongRow, 5);
    for (const std::int32_t n : {20, 150, kLongRow})
      scores.row(0, 1, n).front() = 9;  // a first key that would be kept in any case
    const FitOptions options = {.k = {6, 40}, .placement = placement, .kept = kEnds};
    ThresholdFitter fitter(options, {1, 2, 1, 8});
    scores.feed(fitter, 32);
    const ThresholdTable table = fitter.table({});
    CHECK(table.meta.kept == kEnds);
    for (const Target& target : table.targets)
      for (std::int64_t head = 0; head < 2; ++head)
        for (const ThresholdEntry& entry : target.cells[static_cast<std::size_t>(head)]) {
          const auto row = scores.row(0, head, entry.length);
          INFO("k " << target.k << ", n " << entry.length);
          REQUIRE(entry.theta == Approx(plain_threshold(row, placement, target.k)).epsilon(1e-5));
          // Weights are rounded to floats; scores are what they are.
          const double slack = placement == Placement::pre_softmax ? 0 : 1e-6;
          double kept = 0;
          double all = 0;
          const std::vector<double> values = plain_values(row, placement);
          for (std::size_t j = 0; j < row.size(); ++j) {
            const bool end = j < 2 || j + 3 >= row.size();
            all += std::exp(static_cast<double>(row[j]));
            if (end || values[j] > entry.theta * (1 + slack)) kept += std::exp(static_cast<double>(row[j]));
          }
          CHECK(entry.kept_mass == Approx(kept / all).epsilon(1e-4));
        }
    // Each length had one row: its own threshold keeps k of it.
    RowAuditor auditor(table, {6, 40}, Placement::pre_softmax, kLongRow);
    auditor.start_document();
    scores.feed(auditor, 32);
    for (std::size_t target = 0; target < 2; ++target)
      for (std::size_t head = 0; head < 2; ++head) {
        const HeadAudit& audit = auditor.head(target, head);
        CHECK(static_cast<double>(audit.kept) ==
              Approx(static_cast<double>(audit.rows * table.targets[target].k)).epsilon(0.002));
        double lost = 0;
        for (const ThresholdEntry& entry : table.targets[target].cells[head])
          lost += 1 - entry.kept_mass;
        CHECK(audit.lost_mass == Approx(lost).epsilon(0.002));
      }
  }
}

TEST_CASE("what is kept in any case is not among the dropped of SDC") {
  RandomScores scores(1, 1, 40, 6);
  ThresholdFitter fitter({.k = {8}, .kept = kEnds}, {1, 1, 1, 8});
  scores.feed(fitter, 8);
  ThresholdTable table = fitter.table({});
  SdcFitter sdc(table, {true, true});
  scores.feed(sdc, 8);
  sdc.fill(table);
  for (const ThresholdEntry& entry : table.targets[0].cells[0]) {
    const auto row = scores.row(0, 0, entry.length);
    const double largest = *std::max_element(row.begin(), row.end());
    double sum = 0;
    double against_theta = 0;
    int dropped = 0;
    for (std::size_t j = 2; j + 3 < row.size(); ++j) {
      if (static_cast<double>(row[j]) > entry.theta) continue;
      sum += std::exp(static_cast<double>(row[j]) - largest);
      against_theta += std::exp(static_cast<double>(row[j]) - entry.theta);
      ++dropped;
    }
    CHECK(entry.sdc == Approx(sum).epsilon(1e-5));
    CHECK(entry.rho == Approx(against_theta / dropped).epsilon(1e-5));
    CHECK(dropped == entry.length - 8);
  }
}

TEST_CASE("a k that is used up by what is kept in any case is refused") {
  CHECK_THROWS_AS(ThresholdFitter({.k = {5}, .kept = kEnds}, {1, 1, 1, 8}), UsageError);
  CHECK_THROWS_AS(ThresholdFitter({.k = {9}, .layer_k = {{0, 4}}, .kept = kEnds}, {2, 1, 1, 8}), UsageError);
  CHECK_THROWS_AS(ThresholdFitter({.k = {9}, .kept = {-1, 0}}, {1, 1, 1, 8}), UsageError);
  CHECK_NOTHROW(ThresholdFitter({.k = {6}, .kept = kEnds}, {1, 1, 1, 8}));
}

TEST_CASE("the first keys are those of the sequence, as far as a row sees them") {
  CHECK(kEnds.of_row(0, 10).first == 2);
  CHECK(kEnds.of_row(1, 10).first == 1);
  CHECK(kEnds.of_row(5, 10).first == 0);
  CHECK(kEnds.of_row(0, 4).recent == 2);
  CHECK(kEnds.of_row(0, 1).count() == 1);
  CHECK(describe(kEnds) == "keep-first=2, keep-recent=3");
}
