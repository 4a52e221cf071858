#include "kernels/rows/select.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "core/random.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

namespace toptheta {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kMax = std::numeric_limits<float>::max();

float normal(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i)
    sum += random.uniform();
  return static_cast<float>(sum);
}

struct NamedRow {
  std::string name;
  std::vector<float> values;
};

// Distributions that a selection by sampling and bisection could stumble over.
std::vector<NamedRow> rows_of(std::size_t size, Random& random) {
  std::vector<NamedRow> rows;
  const auto add = [&](std::string name, const std::function<float(std::size_t)>& value) {
    NamedRow row{std::move(name), std::vector<float>(size)};
    for (std::size_t i = 0; i < size; ++i)
      row.values[i] = value(i);
    rows.push_back(std::move(row));
  };
  add("normal", [&](std::size_t) { return normal(random); });
  add("all equal", [](std::size_t) { return -1.5F; });
  add("all zeros of both signs", [](std::size_t i) { return i % 2 == 0 ? 0.0F : -0.0F; });
  add("few values", [&](std::size_t) { return static_cast<float>(random.below(5)) - 2; });
  add("signs around zero",
      [&](std::size_t) { return std::ldexp(normal(random), -static_cast<int>(random.below(140))); });
  add("ascending", [](std::size_t i) { return static_cast<float>(i); });
  add("descending", [](std::size_t i) { return -static_cast<float>(i); });
  add("large in front", [&](std::size_t i) { return normal(random) + (i < size / 16 ? 50.0F : 0.0F); });
  add("large at the end", [&](std::size_t i) { return normal(random) + (i + 40 >= size ? 50.0F : 0.0F); });
  add("every eighth large", [&](std::size_t i) { return normal(random) + (i % 8 == 3 ? 90.0F : 0.0F); });
  add("one giant", [&](std::size_t i) { return i == size / 2 ? 1e30F : normal(random); });
  add("largest floats", [&](std::size_t) { return random.below(2) == 0 ? kMax : -kMax; });
  add("all magnitudes",
      [&](std::size_t) { return std::ldexp(normal(random), static_cast<int>(random.below(240)) - 130); });
  add("neighbouring floats", [&](std::size_t) {
    return 1 + static_cast<float>(random.below(64)) * std::numeric_limits<float>::epsilon();
  });
  add("masked by -infinity", [&](std::size_t i) { return i % 3 == 0 ? normal(random) : -kInfinity; });
  add("mostly -infinity", [&](std::size_t i) { return i % 97 == 0 ? normal(random) : -kInfinity; });
  add("all -infinity", [](std::size_t) { return -kInfinity; });
  add("masked by a large number", [&](std::size_t i) { return i % 2 == 0 ? normal(random) : -kMax; });
  add("infinities", [&](std::size_t i) { return i % 5 == 0 ? kInfinity : normal(random); });
  add("weights", [&](std::size_t) { return std::exp(8 * normal(random) - 40); });
  return rows;
}

std::vector<std::int64_t> ranks_of(std::size_t size, Random& random) {
  const auto n = static_cast<std::int64_t>(size);
  std::vector<std::int64_t> ranks;
  for (const std::int64_t rank :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{8}, std::int64_t{15}, std::int64_t{16},
        std::int64_t{17}, std::int64_t{64}, std::int64_t{300}, n / 16, n / 4, n / 2, n - 2, n - 1,
        static_cast<std::int64_t>(random.below(size))})
    if (rank >= 0 && rank < n) ranks.push_back(rank);
  std::sort(ranks.begin(), ranks.end(), std::greater<>());
  return ranks;
}

// Checks all ranks together and each alone.
void check_row(const NamedRow& row, const std::vector<std::int64_t>& ranks, SelectScratch& scratch) {
  std::vector<float> sorted = row.values;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  std::vector<float> values(ranks.size());
  const std::span<const float> candidates =
      select_largest(row.values, row_range(row.values), ranks, scratch, values);
  INFO(row.name << ", " << row.values.size() << " values");
  bool right = true;
  for (std::size_t i = 0; i < ranks.size(); ++i)
    right = right && values[i] == sorted[static_cast<std::size_t>(ranks[i])] &&
            !(values[i] == 0 && std::signbit(values[i]));
  CHECK(right);

  std::vector<float> wanted;
  std::vector<float> found;
  const auto kept = [&](float value) { return value >= values.front() && value > -kInfinity; };
  std::copy_if(row.values.begin(), row.values.end(), std::back_inserter(wanted), kept);
  std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(found), kept);
  CHECK(found == wanted);

  for (const std::int64_t k : ranks)
    right = right && kth_largest(row.values, k, scratch) == sorted[static_cast<std::size_t>(k)];
  CHECK(right);
}

}  // namespace

TEST_CASE("order statistics of short rows are those of a full sort") {
  testing::at_every_instruction_set([] {
    Random random(1);
    SelectScratch scratch;
    for (std::size_t size = 1; size < 200; size += size < 70 ? 1 : 13)
      for (const NamedRow& row : rows_of(size, random))
        check_row(row, ranks_of(size, random), scratch);
  });
}

TEST_CASE("order statistics of sampled rows are those of a full sort") {
  testing::at_every_instruction_set([] {
    Random random(2);
    SelectScratch scratch;
    for (const std::size_t size : {767, 768, 2048, 4099, 17003})
      for (const NamedRow& row : rows_of(size, random))
        check_row(row, ranks_of(size, random), scratch);
  });
}

TEST_CASE("the row before decides nothing but the time") {
  testing::at_every_instruction_set([] {
    Random random(4);
    SelectScratch kept;  // from row to row
    for (int row_number = 0; row_number < 300; ++row_number) {
      // Similar rows for a while, then others, of another height, width and length.
      const int world = row_number / 40;
      std::vector<float> row(400 + static_cast<std::size_t>(world) * 331 +
                             static_cast<std::size_t>(row_number));
      const float height = static_cast<float>(world % 3) * 20 - 10 + (row_number % 17 == 0 ? 30 : 0);
      for (float& value : row)
        value = height + normal(random) * static_cast<float>(1 + world % 2);
      const std::int64_t ranks[] = {64, 20};
      float alone[2];
      float together[2];
      SelectScratch fresh;
      const auto expected = select_largest(row, row_range(row), ranks, fresh, alone);
      const auto found = select_largest(row, row_range(row), ranks, kept, together);
      std::vector<float> sorted = row;
      std::sort(sorted.begin(), sorted.end(), std::greater<>());
      INFO("row " << row_number);
      CHECK((together[0] == sorted[64] && together[1] == sorted[20]));
      // To the last filling: sums over what is left must not depend on the row before.
      CHECK(std::vector<float>(found.begin(), found.end()) ==
            std::vector<float>(expected.begin(), expected.end()));
    }
  });
}

TEST_CASE("a sample that misleads costs time, not exactness") {
  // Large values wherever the sample looks, and nowhere else; and the other way round. Found by asking: a
  // place is in the sample if raising it changes which candidates are left.
  testing::at_every_instruction_set([] {
    SelectScratch scratch;
    constexpr std::size_t kSize = 4096;
    std::vector<float> row(kSize, 0.0F);
    Random random(3);
    std::vector<std::size_t> sampled;
    for (std::size_t i = 0; i < kSize; ++i)
      row[i] = static_cast<float>(i);
    kth_largest(row, 0, scratch);
    for (std::size_t i = 0; i < 256; ++i)
      sampled.push_back(static_cast<std::size_t>(scratch.sample[i]));
    REQUIRE(std::is_sorted(sampled.begin(), sampled.end()));
    for (const float raised : {100.0F, -100.0F}) {
      NamedRow misleading{"misleading", std::vector<float>(kSize)};
      for (float& value : misleading.values)
        value = normal(random);
      for (const std::size_t place : sampled)
        misleading.values[place] += raised;
      check_row(misleading, {2000, 400, 300, 256, 255, 100, 10, 0}, scratch);
    }
  });
}

TEST_CASE("a row with a NaN has no k-th largest, and the search for it ends") {
  testing::at_every_instruction_set([] {
    Random random(77);
    SelectScratch scratch;
    for (const std::size_t size : {std::size_t{5}, std::size_t{200}, std::size_t{3000}}) {
      std::vector<float> row(size);
      for (float& x : row)
        x = normal(random);
      for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
        std::vector<float> bad = row;
        bad[at] = std::numeric_limits<float>::quiet_NaN();
        CHECK(std::isnan(kth_largest(bad, 3, scratch)));
        std::fill(bad.begin(), bad.end(), std::numeric_limits<float>::quiet_NaN());
        CHECK(std::isnan(kth_largest(bad, 3, scratch)));
        CHECK(std::isfinite(kth_largest(row, 3, scratch)));
      }
    }
  });
}

TEST_CASE("the range of a row, and what is not finite in it") {
  testing::at_every_instruction_set([] {
    Random random(4);
    CHECK(row_range({}).finite);
    CHECK(row_range({}).smallest == kInfinity);
    CHECK(row_range({}).largest == -kInfinity);
    for (std::size_t size = 1; size < 90; ++size) {
      std::vector<float> row(size);
      for (float& value : row)
        value = normal(random);
      const RowRange range = row_range(row);
      bool right = range.finite && range.smallest == *std::min_element(row.begin(), row.end()) &&
                   range.largest == *std::max_element(row.begin(), row.end());
      for (std::size_t place = 0; place < size; ++place)
        for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
          std::vector<float> damaged = row;
          damaged[place] = bad;
          right = right && !row_range(damaged).finite;
        }
      row.assign(size, size % 2 == 0 ? kMax : -kMax);
      CHECK((right && row_range(row).finite));
    }
  });
}

}  // namespace toptheta
