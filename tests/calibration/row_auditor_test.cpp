// The auditor against counting by hand in double precision.
#include "calibration/row_auditor.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr std::int64_t kLayers = 2;
constexpr std::int64_t kHeads = 3;
constexpr std::int32_t kTokens = 50;
const ModelShape kShape = {kLayers, kHeads, 1, 8};

// Targets 6 and 12, the latter with a k of its own in every head; thresholds at some lengths only.
ThresholdTable table_of(Placement placement) {
  ThresholdTable table;
  table.meta.shape = kShape;
  table.meta.placement = placement;
  for (const std::int64_t k : {6, 12}) {
    Target target{k, {k, k}, std::vector<std::vector<ThresholdEntry>>(kLayers * kHeads)};
    if (k == 12) target.head_k = {12, 14, 20, 12, 30, kDenseK};
    for (std::size_t cell = 0; cell < target.cells.size(); ++cell)
      for (std::int32_t length = 7; length <= kTokens; length += 5) {
        ThresholdEntry entry;
        entry.length = length;
        entry.theta = placement == Placement::pre_softmax
                          ? 1 + 0.5 * static_cast<double>(cell) + 0.02 * length
                          : (1 + 0.3 * static_cast<double>(cell)) / length;
        entry.count = 3;
        target.cells[cell].push_back(entry);
      }
    table.targets.push_back(std::move(target));
  }
  return table;
}

struct Naive {
  std::int64_t rows = 0;
  std::int64_t dense = 0;
  double lost = 0;
  std::vector<std::int64_t> kept;
  std::vector<double> lost_of_rows;
  std::vector<DocumentCount> documents;
};

double nearest_theta(const std::vector<ThresholdEntry>& entries, std::int32_t n) {
  return std::min_element(entries.begin(), entries.end(),
                          [n](const auto& a, const auto& b) {
                            return std::pair(std::abs(a.length - n), a.length) <
                                   std::pair(std::abs(b.length - n), b.length);
                          })
      ->theta;
}

Naive naive_audit(const ThresholdTable& table, const Target& target, std::size_t cell,
                  std::vector<RandomScores>& samples) {
  Naive result;
  const std::int64_t k = target.k_of(cell);
  for (RandomScores& scores : samples) {
    DocumentCount& document = result.documents.emplace_back();
    for (std::int32_t n = 1; n <= kTokens; ++n) {
      document.asked += std::min<std::int64_t>(n, k);
      if (n <= k) {
        document.kept += n;
        ++result.dense;
        continue;
      }
      const auto row =
          scores.row(static_cast<std::int64_t>(cell) / kHeads, static_cast<std::int64_t>(cell) % kHeads, n);
      const double theta = nearest_theta(target.cells[cell], n);
      double sum = 0;
      for (const float s : row)
        sum += std::exp(static_cast<double>(s));
      std::int64_t kept = 0;
      double lost = 1;
      for (const float s : row) {
        const double p = std::exp(static_cast<double>(s)) / sum;
        if ((table.meta.placement == Placement::pre_softmax ? static_cast<double>(s) : p) <= theta) continue;
        ++kept;
        lost -= p;
      }
      ++result.rows;
      result.kept.push_back(kept);
      document.kept += kept;
      result.lost += lost;
      result.lost_of_rows.push_back(lost);
    }
  }
  std::sort(result.kept.begin(), result.kept.end());
  std::sort(result.lost_of_rows.begin(), result.lost_of_rows.end());
  return result;
}

}  // namespace

TEST_CASE("an audit counts what counting by hand does, of both placements") {
  std::vector<RandomScores> samples;
  for (const std::uint64_t seed : {1, 2, 3})
    samples.emplace_back(kLayers, kHeads, kTokens, seed);
  for (const Placement placement : {Placement::pre_softmax, Placement::post_softmax}) {
    const ThresholdTable table = table_of(placement);
    RowAuditor auditor(table, {12, 6}, Placement::pre_softmax, kTokens);
    for (const RandomScores& scores : samples) {
      auditor.start_document();
      scores.feed(auditor, 7);
    }
    CHECK(auditor.documents() == 3);
    for (std::size_t t = 0; t < 2; ++t)
      for (std::size_t cell = 0; cell < 6; ++cell) {
        INFO(name_of(placement) << ", target " << t << ", cell " << cell);
        const Naive naive = naive_audit(table, table.target(t == 0 ? 12 : 6), cell, samples);
        const HeadAudit& head = auditor.head(t, cell);
        CHECK(head.rows == naive.rows);
        CHECK(head.dense_rows == naive.dense);
        CHECK(head.lost_mass == Approx(naive.lost).epsilon(1e-5).margin(1e-5));
        REQUIRE(auditor.counts(t, cell).size() == 3);
        for (std::size_t d = 0; d < 3; ++d) {
          CHECK(auditor.counts(t, cell)[d].kept == naive.documents[d].kept);
          CHECK(auditor.counts(t, cell)[d].asked == naive.documents[d].asked);
        }
        if (naive.rows == 0) continue;
        for (const double fraction : {0.05, 0.5, 0.95}) {
          const auto rank =
              static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(naive.rows))) - 1;
          CHECK(head.kept_of_rows.quantile(fraction) == naive.kept[rank]);
          CHECK(kLostUnit * static_cast<double>(head.lost_of_rows.quantile(fraction)) ==
                Approx(naive.lost_of_rows[rank]).epsilon(0.01).margin(1e-5));
        }
      }
  }
}

TEST_CASE("an audit does not depend on blocks or threads, to the last bit") {
  const ThresholdTable table = table_of(Placement::pre_softmax);
  const RandomScores scores(kLayers, kHeads, kTokens, 4);
  std::vector<double> lost;
  for (const auto& [threads, rows] : {std::pair{1, 1}, {1, kTokens}, {2, 9}}) {
    set_thread_count(threads);
    RowAuditor auditor(table, {6}, Placement::pre_softmax, kTokens);
    auditor.start_document();
    scores.feed(auditor, rows);
    lost.push_back(auditor.head(0, 1).lost_mass);
  }
  set_thread_count(0);
  CHECK(lost[0] == lost[1]);
  CHECK(lost[0] == lost[2]);
}

TEST_CASE("rows taken after the softmax serve thresholds there only") {
  const ThresholdTable pre = table_of(Placement::pre_softmax);
  CHECK_THROWS_AS(RowAuditor(pre, {6}, Placement::post_softmax, kTokens), UsageError);
  CHECK_THROWS_AS(RowAuditor(pre, {7}, Placement::pre_softmax, kTokens), UsageError);
  ThresholdTable empty = pre;
  empty.targets[0].cells[2].clear();
  CHECK_THROWS_AS(RowAuditor(empty, {6}, Placement::pre_softmax, kTokens), InputError);

  const ThresholdTable post = table_of(Placement::post_softmax);
  RowAuditor auditor(post, {6}, Placement::post_softmax, kTokens);
  auditor.start_document();
  const std::vector<float> row = {0.5F, 0.1F, 0.1F, 0.1F, 0.1F, 0.05F, 0.03F, 0.02F};
  const std::vector<std::int32_t> lengths = {8};
  auditor.add({0, 0, row.data(), 8, lengths});  // theta is 1 / 7
  CHECK(auditor.head(0, 0).kept == 1);
  CHECK(auditor.head(0, 0).lost_mass == Approx(0.5));
}
