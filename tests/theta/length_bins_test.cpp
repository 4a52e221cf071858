#include "theta/length_bins.hpp"

#include <cmath>
#include <limits>
#include <map>

#include "support/catch.hpp"
#include "support/sample_table.hpp"
#include "support/temp_dir.hpp"
#include "theta/between_entries.hpp"
#include "theta/columns.hpp"
#include "theta/formats/table_formats.hpp"
#include "theta/lookup.hpp"

using namespace toptheta;
using namespace toptheta::testing;

TEST_CASE("every length lies in the bin that its octave and its part of it say") {
  for (const std::int32_t per_octave : {1, 2, 3, 8, 64}) {
    const LengthBins bins(per_octave);
    INFO(per_octave);
    std::map<std::int32_t, std::pair<std::int32_t, std::int32_t>> seen;  // first and last length of a key
    for (std::int32_t n = 1; n <= 5000; ++n) {
      const auto octave = static_cast<std::int32_t>(std::floor(std::log2(static_cast<double>(n))));
      const double start = std::exp2(octave);
      const auto part = static_cast<std::int32_t>(std::floor(per_octave * (n - start) / start));
      REQUIRE(bins.key(n) == octave * per_octave + part);
      seen.emplace(bins.key(n), std::pair(n, n)).first->second.second = n;
    }
    for (const auto& [key, range] : seen) {
      CHECK(bins.is_key(key));
      CHECK(bins.shortest(key) == range.first);
      if (range.second < 5000) CHECK(bins.longest(key) == range.second);
    }
    std::int32_t next = 17;
    bins.for_each(17, 3001, [&](std::int32_t first, std::int32_t last) {
      CHECK(first == next);
      CHECK(bins.key(first) == bins.key(last));
      if (last < 3001) CHECK(bins.key(last + 1) > bins.key(last));
      next = last + 1;
    });
    CHECK(next == 3002);
    constexpr std::int32_t kEnd = std::numeric_limits<std::int32_t>::max();
    CHECK(bins.longest(bins.key(kEnd)) == kEnd);
    CHECK_FALSE(bins.is_key(31 * per_octave));
    CHECK_FALSE(bins.is_key(-1));
  }
  CHECK(LengthBins(64).is_key(0));
  CHECK_FALSE(LengthBins(64).is_key(1));  // the first octave is length 1 alone
}

TEST_CASE("without bins every length stands for itself") {
  const LengthBins all;
  CHECK_FALSE(all.any());
  CHECK(all.key(77) == 77);
  CHECK(all.shortest(77) == 77);
  CHECK(all.longest(77) == 77);
  CHECK_FALSE(all.is_key(0));
}

TEST_CASE("the number of bins is 1 to 64, or all") {
  CHECK(parse_length_bins("all", "--length-bins") == 0);
  CHECK(parse_length_bins("8", "--length-bins") == 8);
  for (const char* text : {"", "0", "65", "-1", "8x", "8.5", "none"})
    CHECK(problem_of<UsageError>([&] { (void)parse_length_bins(text, "--length-bins"); }).where ==
          "--length-bins");
}

TEST_CASE("32 layers of 32 heads up to 131,072 keys take less than 5 MB in bins of an eighth of an octave") {
  const TempDir dir;
  ThresholdTable table;
  table.meta.shape = {32, 32, 8, 128};
  table.meta.length_bins = 8;
  Target target{128, std::vector<std::int64_t>(32, 128), ThresholdCells(32 * 32)};
  // Mantissas that nothing can compress.
  std::uint64_t state = 1;
  const auto noise = [&state] {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(state >> 11U) * 0x1p-53;
  };
  for (auto& cell : target.cells)
    LengthBins(8).for_each(129, 131072, [&](std::int32_t first, std::int32_t last) {
      cell.push_back({first + (last - first) / 2, noise(), noise(), 1000, kNotCalibrated, noise(), noise()});
    });
  table.targets.push_back(target);
  write_table(table, 0, dir.path("t.h5"), TableFormat::hdf5);
  CHECK(std::filesystem::file_size(dir.path("t.h5")) < 5'000'000);
  const ThresholdTable read = read_table(dir.path("t.h5"), TableFormat::hdf5);
  check_same(read, table);
  // Between two bins, and past both ends.
  const auto& cell = target.cells[1000];
  const ThresholdLookup lookup(read, 128, 5000);
  const auto theta = lookup.theta(1000 / 32, 1000 % 32);
  for (std::int32_t n = 129; n <= 5000; n += 7) {
    std::size_t above = 0;
    while (cell[above].length < n)
      ++above;
    double expected = cell[above].theta;
    if (above > 0 && cell[above].length > n) {
      const double weight = static_cast<double>(n - cell[above - 1].length) /
                            static_cast<double>(cell[above].length - cell[above - 1].length);
      expected = (1 - weight) * cell[above - 1].theta + weight * cell[above].theta;
    }
    REQUIRE(theta[static_cast<std::size_t>(n)] == rounded_down(expected));
    CHECK(interpolated_theta(cell, n) == Approx(expected).epsilon(1e-15));
  }
  CHECK(interpolated_theta(cell, 1) == cell.front().theta);
  CHECK(interpolated_theta(cell, 200000) == cell.back().theta);
}
