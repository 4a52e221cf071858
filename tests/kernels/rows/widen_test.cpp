#include "kernels/rows/widen.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "core/half.hpp"
#include "core/random.hpp"
#include "kernels/rows/select.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

namespace toptheta {
namespace {

bool same_bits(float a, float b) {
  return std::isnan(a) ? std::isnan(b) : std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

// Whether `found` is the range of what was widened, and `to` what value(i) says.
template <class Value>
bool is_right(const RowRange& found, std::span<const float> to, const Value& value) {
  bool right = true;
  bool finite = true;
  for (std::size_t i = 0; i < to.size(); ++i) {
    right = right && same_bits(to[i], value(i));
    finite = finite && std::isfinite(to[i]);
  }
  const RowRange expected = row_range(to);
  return right && found.finite == finite &&
         (!finite || (found.smallest == expected.smallest && found.largest == expected.largest));
}

}  // namespace

TEST_CASE("every half is widened exactly, alone and among others, and infinities and NaNs are noticed") {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = static_cast<std::uint16_t>(i);
  testing::at_every_instruction_set([&] {
    std::vector<float> to(all.size());
    const auto check = [&](std::span<const std::uint16_t> from) {
      const std::span<float> out(to.data(), from.size());
      const bool right =
          is_right(widen_f16(from, out), out, [&](std::size_t i) { return float_from_f16(from[i]); }) &&
          is_right(widen_bf16(from, out), out, [&](std::size_t i) { return float_from_bf16(from[i]); });
      CHECK(right);
    };
    check(all);
    check(std::span(all).first(0x7C00));  // finite in float16
    for (const std::size_t size : {0, 1, 7, 8, 15, 16, 17, 33, 100})
      for (const std::size_t first : {0x03F8, 0x3C01, 0x7BF7, 0x7C00, 0xFBFF})
        check(std::span(all).subspan(first, size));
  });
}

TEST_CASE("doubles and floats arrive with their range, at any length and alignment") {
  testing::at_every_instruction_set([] {
    Random random(1);
    for (const std::size_t size : {0, 1, 3, 8, 16, 31, 32, 257}) {
      std::vector<double> doubles(size + 1);
      std::vector<float> floats(size + 1);
      for (std::size_t i = 0; i <= size; ++i) {
        doubles[i] = random.uniform() * 8 - 4;
        floats[i] = static_cast<float>(doubles[i]) * 3;
      }
      std::vector<float> to(size);
      const auto check = [&] {
        const std::span<const double> d = std::span(doubles).subspan(1);
        const std::span<const float> f = std::span(floats).subspan(1);
        CHECK(is_right(widen_f64(d, to), to, [&](std::size_t i) { return static_cast<float>(d[i]); }));
        CHECK(is_right(copy_f32(f, to), to, [&](std::size_t i) { return f[i]; }));
      };
      check();
      if (size == 0) continue;
      doubles[1 + size / 2] = 1e300;
      floats[size] = std::numeric_limits<float>::quiet_NaN();
      check();
    }
  });
}

TEST_CASE("the range of two stretches is that of the row") {
  const std::vector<float> row = {3, -2, 7, 0, -9, 4};
  const std::span<const float> all(row);
  for (std::size_t cut = 0; cut <= row.size(); ++cut) {
    const RowRange range = both(row_range(all.first(cut)), row_range(all.subspan(cut)));
    CHECK((range.smallest == -9 && range.largest == 7 && range.finite));
  }
}

}  // namespace toptheta
