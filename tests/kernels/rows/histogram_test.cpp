#include "kernels/rows/histogram.hpp"

#include <bit>
#include <cmath>
#include <map>
#include <vector>

#include "core/random.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

namespace toptheta {
namespace {

struct Bin {
  std::int64_t count = 0;
  double mass = 0;
  bool operator==(const Bin&) const = default;
};
using Bins = std::map<std::int32_t, Bin>;

constexpr std::int32_t kFirst = -3000;
constexpr std::int32_t kBins = 6000;

// What a kernel adds to words that held one element of mass 7 in every bin's last way.
template <class Kernel>
Bins counted(const Kernel& kernel) {
  constexpr std::uint64_t kOne = std::uint64_t{1} << kHistogramCountShift;
  std::vector<std::uint64_t> words(std::size_t{kBins} * kHistogramWays);
  for (std::int32_t bin = 0; bin < kBins; ++bin)
    words[static_cast<std::size_t>(bin + 1) * kHistogramWays - 1] = kOne + 7;
  kernel(words.data());
  Bins bins;
  for (std::int32_t bin = 0; bin < kBins; ++bin) {
    std::uint64_t sum = 0;
    for (std::size_t way = 0; way < kHistogramWays; ++way)
      sum += words[static_cast<std::size_t>(bin) * kHistogramWays + way];
    const auto count = static_cast<std::int64_t>(sum >> kHistogramCountShift) - 1;
    const auto mass = static_cast<std::int64_t>(sum % kOne) - 7;
    if (count != 0 || mass != 0) bins[kFirst + bin] = {count, static_cast<double>(mass)};
  }
  return bins;
}

std::vector<float> random_row(std::size_t size, double low, double high, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> row(size);
  for (float& value : row)
    value = static_cast<float>(low + (high - low) * random.uniform());
  return row;
}

}  // namespace

TEST_CASE("scores and their mass are counted as in double precision") {
  const ScoreBinning binning = {32, 2500};
  testing::at_every_instruction_set([&] {
    for (const std::size_t size : {0, 1, 2, 5, 63, 64, 65, 127, 1000}) {
      std::vector<float> scores = random_row(size, -60, 60, size);
      const std::vector<float> masses = random_row(size, 0, 1, size + 1);
      // Edges, neighbours in one bin, zeros, what lies past the limit.
      const float special[] = {1.0F,  -1.0F, 0.03125F, -0.03125F, -1e-30F, 0.0F,
                               -0.0F, 2.5F,  2.5F,     1e30F,     -1e30F};
      for (std::size_t i = 0; i < std::size(special) && 5 * i < size; ++i)
        scores[5 * i] = special[i];
      // A power of two: rounding once or twice is the same.
      const double unit = 0x1p36 / 1024;
      Bins expected;
      for (std::size_t j = 0; j < size; ++j) {
        const double scaled = std::clamp(32.0 * static_cast<double>(scores[j]), -2500.0, 2500.0);
        Bin& bin = expected[static_cast<std::int32_t>(std::floor(scaled))];
        bin.count += 1;
        bin.mass += std::nearbyint(static_cast<double>(masses[j]) * unit);
      }
      INFO(size << " scores");
      CHECK(counted([&](std::uint64_t* words) {
              count_scores(scores, masses, unit, binning, kFirst, words);
            }) == expected);
    }
  });
}

TEST_CASE("weights are counted by their leading bits, with a scale of their own") {
  const WeightBinning binning = {18, 0x3F800000 >> 18, -1281};
  testing::at_every_instruction_set([&] {
    for (const std::size_t size : {1, 7, 64, 300}) {
      std::vector<float> masses = random_row(size, 0, 1, size);
      for (std::size_t j = 0; j < size; ++j)
        masses[j] = std::ldexp(masses[j], -static_cast<int>(j % 50));
      masses[0] = 0;
      for (const float weight_unit : {1.0F, 0.37F}) {
        const double mass_unit = 0x1p30 * static_cast<double>(weight_unit);
        Bins expected;
        double total = 0;
        for (const float mass : masses) {
          const auto bits = std::bit_cast<std::int32_t>(mass * weight_unit);
          Bin& bin = expected[std::max((bits >> 18) - (0x3F800000 >> 18), -1281)];
          bin.count += 1;
          bin.mass += std::nearbyint(static_cast<double>(mass) * mass_unit);
          total += static_cast<double>(mass) * mass_unit;
        }
        const Bins found = counted([&](std::uint64_t* words) {
          count_weights(masses, weight_unit, mass_unit, binning, kFirst, words);
        });
        REQUIRE(found.size() == expected.size());
        double found_total = 0;
        for (const auto& [bin, value] : expected) {
          CHECK(found.at(bin).count == value.count);
          CHECK(std::abs(found.at(bin).mass - value.mass) <= static_cast<double>(value.count));
          found_total += found.at(bin).mass;
        }
        CHECK(std::abs(found_total - total) <= static_cast<double>(size));
      }
    }
  });
}

}  // namespace toptheta
