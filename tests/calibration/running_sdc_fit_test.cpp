// rho of tables of softmax weights: what running-softmax placement drops between a row's ends, against a
// plain version in double.
#include <cmath>
#include <vector>

#include "calibration/fitter.hpp"
#include "calibration/running_row.hpp"
#include "calibration/sdc_fitter.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"
#include "support/sample_table.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr std::int32_t kTokens = 400;
const ModelShape kShape = {1, 2, 1, 8};
constexpr float kNoSink = -std::numeric_limits<float>::infinity();

struct NaiveDropped {
  int count = 0;
  double ratio = 0;  // the sum over the dropped s of e^s, over what it were at the thresholds
};

// The method's words in double: tile 0 as the row sees it, then from the row's own tile back.
NaiveDropped naive_dropped(std::span<const float> row, std::size_t first_key, double sink_weight,
                           double theta, const KeptEnds& kept) {
  const std::size_t first_tile = first_key / 128;
  const std::size_t tiles = (first_key + row.size() - 1) / 128 - first_tile + 1;
  NaiveDropped found;
  double sum = sink_weight;
  double dropped = 0;
  double at_threshold = 0;
  for (std::size_t visit = 0; visit < tiles; ++visit) {
    const std::size_t tile = first_tile + (visit == 0 ? 0 : tiles - visit);
    const double before = sum;
    for (std::size_t j = 0; j < row.size(); ++j) {
      if ((first_key + j) / 128 != tile) continue;
      const double e = std::exp(static_cast<double>(row[j]));
      sum += e;
      const bool always = static_cast<std::int64_t>(first_key + j) < kept.first ||
                          static_cast<std::int64_t>(j) + kept.recent >= std::ssize(row);
      if (visit < 2 || always || e > theta * before) continue;
      dropped += e;
      at_threshold += theta * before;
      ++found.count;
    }
  }
  found.ratio = dropped / at_threshold;
  return found;
}

std::vector<RandomScores> two_samples() {
  return {RandomScores(1, 2, kTokens, 1), RandomScores(1, 2, kTokens, 2)};
}

ThresholdTable fit(const std::vector<RandomScores>& samples, Placement placement, const KeptEnds& kept = {},
                   std::int64_t length_bins = 0) {
  ThresholdFitter fitter({.k = {30, 90}, .placement = placement, .kept = kept, .length_bins = length_bins},
                         kShape);
  for (const RandomScores& scores : samples)
    scores.feed(fitter, 16);
  return fitter.table({});
}

const SdcTerms kRho{.offline = false, .calibrated = true};

}  // namespace

TEST_CASE("what is dropped between the ends of a row is that of the definition") {
  RandomScores scores(1, 1, kTokens, 3);
  RunningDrops drops;
  for (const std::int32_t length : {40, 128, 129, 257, 300, kTokens})
    for (const std::int64_t first_key : {0, 1, 100, 250})
      for (const float sink : {kNoSink, 7.5F}) {
        const auto row = scores.row(0, 0, length);
        drops.visit(row, first_key, sink);
        for (const KeptEnds& kept : {KeptEnds{}, KeptEnds{110, 20}, KeptEnds{1000, 0}, KeptEnds{0, 1000}})
          for (const double theta : {-1.0, 0.0, 1e-9, 0.001, 0.02, 3.0}) {
            INFO(length << " keys from " << first_key << ", theta " << theta << ", " << describe(kept));
            const DroppedScores found = drops.dropped(theta, kept.of_row(first_key, length));
            const NaiveDropped expected = naive_dropped(row, static_cast<std::size_t>(first_key),
                                                        std::exp(static_cast<double>(sink)), theta, kept);
            REQUIRE(found.count == expected.count);
            if (found.count == 0) continue;
            REQUIRE(found.logarithm == Approx(std::log(expected.ratio)).margin(1e-6));
            REQUIRE(found.logarithm <= 0);
          }
      }
}

TEST_CASE("rho is at most 1, also where all that is dropped lies on its threshold, and survives extremes") {
  RunningDrops drops;
  const std::vector<float> flat(512, 2.5F);
  drops.visit(flat, 0, kNoSink);
  // Of the two tiles between, the one visited first is at the threshold, the other, which 384 keys precede,
  // below it.
  const DroppedScores found = drops.dropped(1.0 / 256 * (1 + 1e-9), {});
  CHECK(found.count == 256);
  CHECK(found.logarithm == Approx(std::log(2 / 2.5)).margin(1e-6));
  drops.visit(std::span(flat).first(384), 0, kNoSink);
  CHECK(drops.dropped(1.0 / 256 * (1 + 1e-9), {}).count == 128);
  CHECK(drops.dropped(1.0 / 256 * (1 + 1e-9), {}).logarithm == Approx(0).margin(1e-6));
  CHECK(drops.dropped(1.0 / 256 * (1 + 1e-9), {}).logarithm <= 0);
  std::vector<float> apart(512, -5000.0F);
  apart[0] = 3000;
  drops.visit(apart, 0, kNoSink);
  CHECK(drops.dropped(0.5, {}).count == 256);
  CHECK(drops.dropped(0.5, {}).logarithm == Approx(-8000 - std::log(0.5)));
}

TEST_CASE(
    "rho of a table of weights is the geometric mean over rows that drop something between their ends") {
  std::vector<RandomScores> samples = two_samples();
  for (float& score : samples[0].row(0, 1, 300).subspan(128, 128))
    score = 40;  // nothing of the tile between its ends is dropped: the row does not count
  for (const Placement placement : {Placement::post_softmax, Placement::running_softmax})
    for (const KeptEnds& kept : {KeptEnds{}, KeptEnds{2, 20}}) {
      ThresholdTable table = fit(samples, placement, kept);
      SdcFitter fitter(table, kRho);
      for (const RandomScores& scores : samples)
        scores.feed(fitter, 7);
      fitter.fill(table);
      for (const Target& target : table.targets)
        for (std::int64_t head = 0; head < 2; ++head)
          for (const ThresholdEntry& entry : target.cells[static_cast<std::size_t>(head)]) {
            INFO(name_of(placement) << ", k " << target.k << ", head " << head << ", n " << entry.length);
            CHECK(std::isnan(entry.sdc));
            double logarithms = 0;
            int rows = 0;
            for (RandomScores& scores : samples) {
              const NaiveDropped row =
                  naive_dropped(scores.row(0, head, entry.length), 0, 0, entry.theta, kept);
              if (row.count == 0) continue;
              logarithms += std::log(row.ratio);
              ++rows;
            }
            REQUIRE(std::isnan(entry.rho) == (rows == 0));
            if (entry.length <= 256) REQUIRE(rows == 0);
            if (rows == 0) continue;
            REQUIRE(entry.rho == Approx(std::exp(logarithms / rows)).epsilon(1e-5));
            REQUIRE(entry.rho <= 1);
          }
    }
}

TEST_CASE("rho of halves of a table of weights, saved and added up, is that of the whole to the last bit") {
  const std::vector<RandomScores> samples = two_samples();
  for (const std::int64_t bins : {0, 8}) {
    ThresholdTable whole = fit(samples, Placement::post_softmax, {}, bins);
    ThresholdTable halves = whole;
    const SdcTerms terms{.offline = false, .calibrated = true, .rho_bins = 2};
    SdcFitter all(whole, terms);
    SdcFitter first(halves, terms);
    SdcFitter second(halves, terms);
    samples[1].feed(all, kTokens);
    samples[0].feed(all, 3);
    samples[0].feed(first, 4);
    samples[1].feed(second, 7);
    hdf5::File file = hdf5::File::create_in_memory("half");
    hdf5::Group root = file.root();
    first.save(root);
    second.add_saved(file.root());
    all.fill(whole);
    second.fill(halves);
    check_same(whole, halves);
    CHECK_FALSE(std::isnan(whole.targets[0].cells[0].front().rho));
  }
}

TEST_CASE("the sink of a head is part of every denominator that rho is fitted to") {
  RandomScores scores(1, 2, kTokens, 4);
  RowBlock block = scores.block(0, 0, kTokens - 1, 1);
  block.sink = 9;
  ThresholdFitter thresholds({.k = {30}, .placement = Placement::running_softmax}, kShape);
  thresholds.add(block);
  ThresholdTable table = thresholds.table({});
  SdcFitter fitter(table, kRho);
  fitter.add(block);
  fitter.fill(table);
  const ThresholdEntry& entry = table.targets[0].cells[0].front();
  const auto row = scores.row(0, 0, kTokens);
  CHECK(entry.rho == Approx(naive_dropped(row, 0, std::exp(9.0), entry.theta, {}).ratio).epsilon(1e-5));
  CHECK(entry.rho != Approx(naive_dropped(row, 0, 0, entry.theta, {}).ratio).epsilon(0.01));
}

TEST_CASE("offline terms and laws are refused for tables of weights, with what to do") {
  const std::vector<RandomScores> samples = two_samples();
  for (const Placement placement : {Placement::post_softmax, Placement::running_softmax}) {
    const ThresholdTable table = fit(samples, placement);
    const auto refusal = [&](const SdcTerms& terms) {
      return problem_of<UsageError>([&] { (void)SdcFitter(table, terms); });
    };
    CHECK(refusal({.offline = true, .calibrated = true}).where == "--sdc offline");
    CHECK(refusal({.offline = true, .calibrated = true}).next.find("--sdc calibrated") != std::string::npos);
    CHECK(refusal({.offline = false, .calibrated = true, .rho_law = true}).where == "--rho-law");
  }
}
