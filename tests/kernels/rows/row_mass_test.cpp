#include "kernels/rows/row_mass.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "core/random.hpp"
#include "kernels/rows/select.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

namespace toptheta {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("mass on either side of a threshold agrees with double precision") {
  testing::at_every_instruction_set([] {
    Random random(5);
    for (const std::size_t size : {0, 1, 3, 15, 16, 17, 63, 200, 1023, 5000}) {
      std::vector<float> row(size);
      for (float& value : row)
        value = static_cast<float>(12 * random.uniform() - 9);
      const float shift = 3;
      for (const float threshold : {-kInfinity, -20.0F, size > 2 ? row[size / 2] : 0.0F, 1.5F, kInfinity}) {
        double above = 0;
        double at_most = 0;
        double weights = 0;
        std::int64_t count = 0;
        for (const float value : row) {
          const double e = std::exp(static_cast<double>(value) - static_cast<double>(shift));
          (value > threshold ? above : at_most) += e;
          weights += value > threshold ? static_cast<double>(value) : 0;
          count += value > threshold ? 1 : 0;
        }
        INFO(size << " values, threshold " << threshold);
        const MassAbove exponentials = exp_sum_above(row, threshold, shift);
        CHECK(exponentials.sum == Approx(above).epsilon(1e-6));
        CHECK(exponentials.count == count);
        CHECK(exp_sum_at_most(row, threshold, shift) == Approx(at_most).epsilon(1e-6).margin(1e-30));
        const MassAbove plain = sum_above(row, threshold);
        CHECK(plain.sum == Approx(weights).epsilon(1e-5).margin(1e-4));
        CHECK(plain.count == count);
      }
    }
  });
}

TEST_CASE("exponentials far below the largest vanish, and -infinity has none") {
  testing::at_every_instruction_set([] {
    const std::vector<float> row = {5, -kInfinity, -200, -1e30F, 4, -std::numeric_limits<float>::max()};
    CHECK(exp_sum_at_most(row, kInfinity, 5) == Approx(1 + std::exp(-1.0)).epsilon(1e-6));
    CHECK(exp_sum_at_most(row, 0, 5) == Approx(0).margin(1e-30));
    CHECK(exp_sum_above(row, -kInfinity, 5).count == 5);
  });
}

TEST_CASE("exponentials of a row agree with double precision, and their sum is that without storing them") {
  testing::at_every_instruction_set([] {
    Random random(6);
    for (const double spread : {8.0, 300.0})  // all of them matter, or not
      for (const std::size_t size : {0, 1, 3, 15, 16, 17, 63, 200, 1023, 5000}) {
        std::vector<float> row(size);
        for (float& value : row)
          value = static_cast<float>(3 - spread * random.uniform());
        if (size > 0) row[size / 2] = 3;
        std::vector<float> out(size);
        const RowRange range = row_range(row);
        const RowExponentials found = exponentials(row, range, out);
        double expected = 0;
        for (std::size_t j = 0; j < size; ++j) {
          const double e = std::exp(static_cast<double>(row[j]) - 3);
          CHECK(static_cast<double>(out[j]) * found.unit == Approx(e).epsilon(1e-5).margin(1e-37));
          expected += e;
        }
        CHECK(found.sum == Approx(expected).epsilon(1e-6));
        CHECK(found.sum == exp_sum(row, range));
        CHECK(found.unit > 0.7);
        CHECK(found.unit < 1.5);
      }
  });
}

TEST_CASE("the sum of a row's exponentials agrees with double precision, wherever the row lies") {
  testing::at_every_instruction_set([] {
    Random random(6);
    for (const std::size_t size : {1, 7, 16, 33, 255, 4099})
      for (const float middle : {0.0F, 13.7F, -250.0F, 3000.0F, 3e6F, -3e30F})
        for (const float width : {0.0F, 6.0F, 80.0F, 300.0F}) {
          std::vector<float> row(size);
          for (float& value : row)
            value = middle + width * static_cast<float>(random.uniform());
          const RowRange range = row_range(row);
          double naive = 0;
          for (const float value : row)
            naive += std::exp(static_cast<double>(value) - static_cast<double>(range.largest));
          INFO(size << " values around " << middle << ", width " << width);
          CHECK(exp_sum(row, range) == Approx(naive).epsilon(1e-6));
          // What is fetched ahead has no say.
          CHECK(exp_sum(row, range, std::as_bytes(std::span(row))) == exp_sum(row, range));
        }
    std::vector<float> masked(100, -1e9F);
    masked[3] = 2;
    masked[70] = 1;
    CHECK(exp_sum(masked, row_range(masked)) == Approx(1 + std::exp(-1.0)).epsilon(1e-6));
  });
}

}  // namespace toptheta
