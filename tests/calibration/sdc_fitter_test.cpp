#include "calibration/sdc_fitter.hpp"

#include "calibration/fitter.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"
#include "support/sample_table.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr std::int32_t kTokens = 30;
const ModelShape kShape = {2, 2, 1, 8};

std::vector<RandomScores> two_samples() {
  return {RandomScores(2, 2, kTokens, 1), RandomScores(2, 2, kTokens, 2)};
}

ThresholdTable fit(const std::vector<RandomScores>& samples) {
  ThresholdFitter fitter({.k = {4, 12}, .layer_k = {{0, 7}}, .add_sigma = 0.2}, kShape);
  for (const RandomScores& scores : samples)
    scores.feed(fitter, 8);
  return fitter.table({});
}

// The mean of M over the samples, in double.
double naive_sdc(std::vector<RandomScores>& samples, std::int64_t layer, std::int64_t head,
                 const ThresholdEntry& entry) {
  double total = 0;
  for (RandomScores& scores : samples) {
    const auto row = scores.row(layer, head, entry.length);
    const double largest = *std::max_element(row.begin(), row.end());
    for (const float score : row)
      if (static_cast<double>(score) <= entry.theta) total += std::exp(static_cast<double>(score) - largest);
  }
  return total / static_cast<double>(samples.size());
}

// rho in double, of the rows that drop anything.
double naive_rho(std::vector<RandomScores>& samples, std::int64_t layer, std::int64_t head,
                 const ThresholdEntry& entry) {
  double logarithms = 0;
  int rows = 0;
  for (RandomScores& scores : samples) {
    double sum = 0;
    int dropped = 0;
    for (const float score : scores.row(layer, head, entry.length)) {
      if (static_cast<double>(score) > entry.theta) continue;
      sum += std::exp(static_cast<double>(score) - entry.theta);
      ++dropped;
    }
    if (dropped == 0) continue;
    logarithms += std::log(sum / dropped);
    ++rows;
  }
  return rows == 0 ? kNotCalibrated : std::exp(logarithms / rows);
}

}  // namespace

TEST_CASE("rho is the geometric mean over rows of what a dropped score weighs against the threshold") {
  std::vector<RandomScores> samples = two_samples();
  for (float& score : samples[0].row(1, 1, 20))
    score = 1e6F;  // nothing of this row is dropped: it does not count
  for (float& score : samples[1].row(1, 0, 25))
    score -= 400;  // far below a threshold that the other row pulls up: no sum may underflow
  ThresholdTable table = fit(samples);
  table.targets[0].cells[table.cell_index(1, 1)][15].theta = 0;
  SdcFitter fitter(table, {.offline = false, .calibrated = true});
  for (const RandomScores& scores : samples)
    scores.feed(fitter, 5);
  fitter.fill(table);
  for (const Target& target : table.targets)
    for (std::size_t cell = 0; cell < target.cells.size(); ++cell)
      for (const ThresholdEntry& entry : target.cells[cell]) {
        CHECK(std::isnan(entry.sdc));
        const auto index = static_cast<std::int64_t>(cell);
        CHECK(entry.rho == Approx(naive_rho(samples, index / 2, index % 2, entry)).epsilon(1e-6));
      }
}

TEST_CASE("rho of halves, saved and added up, is that of the whole to the last bit") {
  const std::vector<RandomScores> samples = two_samples();
  ThresholdTable whole = fit(samples);
  ThresholdTable halves = whole;
  const SdcTerms both{true, true};
  SdcFitter all(whole, both);
  SdcFitter first(halves, both);
  SdcFitter second(halves, both);
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

TEST_CASE("SDC terms are the mean of what the table drops") {
  std::vector<RandomScores> samples = two_samples();
  ThresholdTable table = fit(samples);
  SdcFitter fitter(table);
  for (const RandomScores& scores : samples)
    scores.feed(fitter, 5);
  fitter.fill(table);
  for (const Target& target : table.targets)
    for (std::int64_t layer = 0; layer < 2; ++layer)
      for (std::int64_t head = 0; head < 2; ++head) {
        const auto& cell = target.cells[table.cell_index(layer, head)];
        CHECK(cell.size() ==
              static_cast<std::size_t>(kTokens - target.layer_k[static_cast<std::size_t>(layer)]));
        for (const ThresholdEntry& entry : cell)
          CHECK(entry.sdc == Approx(naive_sdc(samples, layer, head, entry)).epsilon(1e-5));
      }
}

TEST_CASE("SDC terms of halves merge to those of the whole") {
  const std::vector<RandomScores> samples = two_samples();
  ThresholdTable whole = fit(samples);
  ThresholdTable halves = whole;
  SdcFitter all(whole);
  SdcFitter first(halves);
  SdcFitter second(halves);
  samples[0].feed(all, kTokens);
  samples[1].feed(all, kTokens);
  samples[0].feed(first, 4);
  samples[1].feed(second, 4);
  second.merge(first);
  all.fill(whole);
  second.fill(halves);
  check_same(whole, halves);
}

TEST_CASE("other rows than those of the first pass are refused") {
  const ThresholdTable table = fit(two_samples());
  SdcFitter fitter(table);
  const Problem problem = problem_of<InputError>([&] { RandomScores(2, 2, kTokens + 1, 1).feed(fitter, 8); });
  CHECK(problem.where == "layer 0, head 0");
  CHECK(problem.what == "the second pass has a row of 31 keys, but the first pass had none");

  RandomScores scores(2, 2, kTokens, 1);
  scores.row(0, 1, 20)[2] = std::nanf("");
  CHECK(problem_of<InputError>([&] { scores.feed(fitter, 8); }).where ==
        "layer 0, head 1, row of 20 keys, key 2");
}

TEST_CASE("a length without rows keeps no term; post-softmax has no offline ones") {
  std::vector<RandomScores> samples = two_samples();
  ThresholdTable table = fit(samples);
  SdcFitter fitter(table);
  fitter.add(samples[0].block(1, 1, 9, 2));  // rows of 10 and 11 keys
  fitter.fill(table);
  for (const ThresholdEntry& entry : table.target(4).cells[3])
    CHECK(std::isnan(entry.sdc) == (entry.length != 10 && entry.length != 11));
  for (const ThresholdEntry& entry : table.target(12).cells[3])
    CHECK(std::isnan(entry.sdc));

  table.meta.placement = Placement::post_softmax;
  CHECK_THROWS_AS(SdcFitter(table), UsageError);
}
