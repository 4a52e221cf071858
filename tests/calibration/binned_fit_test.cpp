// Thresholds, SDC terms and rho of length bins against a plain version in double.
#include <map>

#include "calibration/drift.hpp"
#include "calibration/fitter.hpp"
#include "calibration/length_law.hpp"
#include "calibration/retarget.hpp"
#include "calibration/sdc_fitter.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"
#include "support/sample_table.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

const ModelShape kBinnedShape = {2, 2, 1, 8};
constexpr std::int64_t kPerOctave = 3;
const FitOptions kBinnedFit = {
    .k = {4, 12}, .layer_k = {{0, 7}}, .add_sigma = 0.2, .length_bins = kPerOctave};

std::vector<RandomScores> unequal_samples() {
  return {RandomScores(2, 2, 45, 1), RandomScores(2, 2, 30, 2), RandomScores(2, 2, 53, 3)};
}

// floor(3 log-linear parts of the octave), as docs/calibration.md says.
std::int64_t plain_bin(std::int32_t n) {
  std::int32_t octave = 1;
  while (2 * octave <= n)
    octave *= 2;
  return octave * 100 + kPerOctave * (n - octave) / octave;
}

struct PlainBin {
  std::vector<double> thresholds;
  std::vector<std::int32_t> lengths;
};

// The rows' own thresholds, by bin.
std::map<std::int64_t, PlainBin> plain_bins(std::vector<RandomScores>& samples, std::int64_t layer,
                                            std::int64_t head, std::int64_t k) {
  std::map<std::int64_t, PlainBin> bins;
  for (RandomScores& scores : samples)
    for (auto n = static_cast<std::int32_t>(k + 1); n <= scores.tokens(); ++n) {
      const auto row = scores.row(layer, head, n);
      std::vector<float> sorted(row.begin(), row.end());
      std::sort(sorted.begin(), sorted.end(), std::greater<>());
      PlainBin& bin = bins[plain_bin(n)];
      bin.thresholds.push_back(sorted[static_cast<std::size_t>(k)]);
      bin.lengths.push_back(n);
    }
  return bins;
}

double mean_of(const auto& values) {
  double sum = 0;
  for (const auto value : values)
    sum += static_cast<double>(value);
  return sum / static_cast<double>(values.size());
}

ThresholdTable binned_table(const std::vector<RandomScores>& samples) {
  ThresholdFitter fitter(kBinnedFit, kBinnedShape);
  for (const RandomScores& scores : samples)
    scores.feed(fitter, 8);
  return fitter.table({});
}

// What inference takes for a row of n keys.
double plain_theta(const std::vector<ThresholdEntry>& entries, std::int32_t n) {
  if (n <= entries.front().length) return entries.front().theta;
  if (n >= entries.back().length) return entries.back().theta;
  std::size_t above = 0;
  while (entries[above].length < n)
    ++above;
  const ThresholdEntry& high = entries[above];
  if (high.length == n) return high.theta;
  const ThresholdEntry& low = entries[above - 1];
  const double weight = static_cast<double>(n - low.length) / static_cast<double>(high.length - low.length);
  return (1 - weight) * low.theta + weight * high.theta;
}

}  // namespace

TEST_CASE("thresholds of length bins are means over all rows of the bin") {
  std::vector<RandomScores> samples = unequal_samples();
  const ThresholdTable table = binned_table(samples);
  CHECK(table.meta.length_bins == kPerOctave);
  for (const Target& target : table.targets)
    for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
      const auto index = static_cast<std::int64_t>(cell);
      const auto bins = plain_bins(samples, index / 2, index % 2, target.k_of(cell));
      REQUIRE(target.cells[cell].size() == bins.size());
      auto entry = target.cells[cell].begin();
      for (const auto& [key, bin] : bins) {
        const double mean = mean_of(bin.thresholds);
        double variance = 0;
        for (const double threshold : bin.thresholds)
          variance += (threshold - mean) * (threshold - mean) / static_cast<double>(bin.thresholds.size());
        CHECK(entry->count == static_cast<std::int64_t>(bin.thresholds.size()));
        CHECK(std::abs(entry->length - mean_of(bin.lengths)) <= 0.5);
        CHECK(entry->std == Approx(std::sqrt(variance)).margin(1e-12));
        CHECK(entry->theta == Approx(mean + 0.2 * std::sqrt(variance)).margin(1e-12));
        ++entry;
      }
    }
}

TEST_CASE("rho and M of length bins are of the thresholds that look-up interpolates") {
  std::vector<RandomScores> samples = unequal_samples();
  ThresholdTable table = binned_table(samples);
  SdcFitter fitter(table, {true, true});
  for (const RandomScores& scores : samples)
    scores.feed(fitter, 5);
  fitter.fill(table);
  for (const Target& target : table.targets)
    for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
      std::map<std::int64_t, std::vector<double>> dropped;
      std::map<std::int64_t, std::vector<double>> logarithms;
      for (RandomScores& scores : samples)
        for (auto n = static_cast<std::int32_t>(target.k_of(cell)) + 1; n <= scores.tokens(); ++n) {
          const double theta = plain_theta(target.cells[cell], n);
          const auto row =
              scores.row(static_cast<std::int64_t>(cell) / 2, static_cast<std::int64_t>(cell) % 2, n);
          const double largest = *std::max_element(row.begin(), row.end());
          double sum = 0;
          double against_theta = 0;
          int count = 0;
          for (const float score : row) {
            if (static_cast<double>(score) > theta) continue;
            sum += std::exp(static_cast<double>(score) - largest);
            against_theta += std::exp(static_cast<double>(score) - theta);
            ++count;
          }
          dropped[plain_bin(n)].push_back(sum);
          if (count > 0) logarithms[plain_bin(n)].push_back(std::log(against_theta / count));
        }
      auto entry = target.cells[cell].begin();
      for (const auto& [key, terms] : dropped) {
        CHECK(entry->sdc == Approx(mean_of(terms)).epsilon(1e-5));
        CHECK(entry->rho == Approx(std::exp(mean_of(logarithms[key]))).epsilon(1e-5));
        ++entry;
      }
    }
}

TEST_CASE("halves of length bins, saved and added up, are the whole to the last bit") {
  const std::vector<RandomScores> samples = unequal_samples();
  ThresholdTable whole = binned_table(samples);
  ThresholdFitter first(kBinnedFit, kBinnedShape);
  ThresholdFitter second(kBinnedFit, kBinnedShape);
  ThresholdFitter merged(kBinnedFit, kBinnedShape);
  samples[2].feed(first, 4);
  samples[0].feed(second, 9);
  samples[1].feed(second, 9);
  merged.merge(first);
  merged.merge(second);
  hdf5::File file = hdf5::File::create_in_memory("half");
  hdf5::Group root = file.root();
  first.save(root);
  second.add_saved(file.root());
  ThresholdTable added = second.table({});
  check_same(added, whole);
  check_same(merged.table({}), whole);

  const SdcTerms both{true, true};
  SdcFitter all(whole, both);
  SdcFitter one(added, both);
  SdcFitter other(added, both);
  for (const RandomScores& scores : samples)
    scores.feed(all, 6);
  samples[1].feed(one, 6);
  samples[0].feed(other, 7);
  samples[2].feed(other, 7);
  hdf5::File terms = hdf5::File::create_in_memory("terms");
  hdf5::Group terms_root = terms.root();
  one.save(terms_root);
  other.add_saved(terms.root());
  all.fill(whole);
  other.fill(added);
  check_same(added, whole);
}

TEST_CASE("saved bins that are none, or whose rows are of other lengths, are refused") {
  ThresholdFitter fitter(kBinnedFit, kBinnedShape);
  RandomScores(2, 2, 30, 1).feed(fitter, 8);
  hdf5::File file = hdf5::File::create_in_memory("state");
  hdf5::Group root = file.root();
  fitter.save(root);
  // Read as if every entry were of a single length, the sums of lengths do not fit.
  FitOptions other = kBinnedFit;
  other.length_bins = 64;
  ThresholdFitter wrong(other, kBinnedShape);
  CHECK_THROWS_AS(wrong.add_saved(file.root()), InputError);
}

TEST_CASE("a second pass over rows of a bin that the first never saw is refused") {
  const ThresholdTable table = binned_table({RandomScores(2, 2, 30, 1)});
  SdcFitter fitter(table);
  RandomScores(2, 2, 31, 1).feed(fitter, 8);  // within the last bin
  CHECK(problem_of<InputError>([&] { RandomScores(2, 2, 32, 1).feed(fitter, 8); }).what ==
        "the second pass has a row of 32 keys, but the first pass had none");
}

TEST_CASE("intervals of length bins do not take neighbouring rows of a document for independent") {
  FitOptions every = {.k = {4}};
  FitOptions binned = {.k = {4}, .length_bins = 8};
  ThresholdFitter by_length(every, {1, 1, 1, 8});
  ThresholdFitter by_bin(binned, {1, 1, 1, 8});
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const RandomScores scores(1, 1, 60, seed);
    scores.feed(by_length, 60);
    scores.feed(by_bin, 60);
  }
  // 12 rows of each length: the same interval but for the spread between lengths of a bin.
  CHECK(by_bin.widest_interval() == Approx(by_length.widest_interval()).epsilon(0.1));
}

TEST_CASE("drift looks between the bins of a table") {
  std::vector<RandomScores> samples = unequal_samples();
  ThresholdTable a = binned_table(samples);
  ThresholdTable b = a;
  for (Target& target : b.targets)
    for (auto& cell : target.cells) {
      // The same straight line through other points.
      std::vector<ThresholdEntry> between;
      for (std::size_t i = 0; i < cell.size(); ++i)
        cell[i].theta = 0.01 * cell[i].length;
      for (std::int32_t n = cell.front().length; n <= cell.back().length; n += 5) {
        ThresholdEntry entry = cell.front();
        entry.length = n;
        entry.theta = 0.01 * n;
        between.push_back(entry);
      }
      if (between.back().length != cell.back().length) {
        between.push_back(cell.back());
        between.back().theta = 0.01 * cell.back().length;
      }
      cell = between;
    }
  for (Target& target : a.targets)
    for (auto& cell : target.cells)
      for (ThresholdEntry& entry : cell)
        entry.theta = 0.01 * entry.length;
  for (const HeadDrift& drift : drift_between(a, "a", b, "b", {}, 0.1)) {
    CHECK(drift.lengths > 0);
    CHECK(drift.difference == Approx(0).margin(1e-12));
    CHECK(drift.weight_change == Approx(0).margin(1e-12));
  }
}

TEST_CASE("entries of curves stand in the middle of the table's bins, also past the rows seen") {
  CHECK(entry_lengths(10, 20, LengthBins(2)) == std::vector<std::int32_t>{10, 13, 18});
  CHECK(entry_lengths(62, 70, LengthBins()) == std::vector<std::int32_t>{62, 63, 64, 66, 68, 70});
  CHECK(entry_lengths(70, 70, LengthBins(2)) == std::vector<std::int32_t>{70});

  ThresholdTable table;
  table.meta.shape = {1, 1, 1, 8};
  table.meta.length_bins = 4;
  for (const std::int32_t n : {64, 128, 256, 512})
    table.curves.cells.resize(1),
        table.curves.cells[0].push_back(
            {length_bin(n), 9, n, n, {{-640, 9 * (n - 8), 0}, {-32 * n / 64, 72, 0}}});
  table.targets.push_back(pooled_target(table, 8, {}));
  const LengthBins bins(4);
  for (const ThresholdEntry& entry : table.targets[0].cells[0])
    CHECK((entry.length >= 64 && entry.length <= 512));
  CHECK(table.targets[0].cells[0].size() == 13);
  extend_lengths(table, 2000);
  const auto& cell = table.targets[0].cells[0];
  for (std::size_t i = 1; i < cell.size(); ++i)
    CHECK(cell[i - 1].length < cell[i].length);
  CHECK(cell.back().length > 1792);
  CHECK(cell.size() == 13 + 8);
}
