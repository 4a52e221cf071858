#include "kernels/linear/linear.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>
#include <vector>

#include "core/half.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"
#include "kernels/linear/shares.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

using Floats = std::vector<float>;

Floats random_floats(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  Floats values(static_cast<std::size_t>(count));
  for (float& v : values)
    v = static_cast<float>(2 * random.uniform() - 1);
  return values;
}

Floats product(const Linear& linear, const Floats& x) {
  const std::int64_t rows = std::ssize(x) / linear.in_features();
  Floats y(static_cast<std::size_t>(rows * linear.out_features()), std::nanf(""));
  linear.apply(x.data(), rows, y.data());
  return y;
}

bool same_bytes(const Floats& a, const Floats& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Largest difference to the product in double, in units of sum |x * w| + |b|.
double largest_error(const Floats& weight, const Floats& bias, const Floats& x, const Floats& y,
                     std::int64_t in) {
  const std::int64_t out = std::ssize(weight) / in;
  double worst = 0;
  for (std::int64_t r = 0; r < std::ssize(x) / in; ++r)
    for (std::int64_t o = 0; o < out; ++o) {
      double sum = bias.empty() ? 0 : static_cast<double>(bias[static_cast<std::size_t>(o)]);
      double size = std::abs(sum);
      for (std::int64_t i = 0; i < in; ++i) {
        const double term = static_cast<double>(x[static_cast<std::size_t>(r * in + i)]) *
                            static_cast<double>(weight[static_cast<std::size_t>(o * in + i)]);
        sum += term;
        size += std::abs(term);
      }
      const double error =
          std::abs(static_cast<double>(y[static_cast<std::size_t>(r * out + o)]) - sum) / size;
      if (!(error <= worst)) worst = error;  // a NaN is the worst
    }
  return worst;
}

struct ThreadCount {
  explicit ThreadCount(int threads) { set_thread_count(threads); }
  ~ThreadCount() { set_thread_count(0); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;
};

struct Size {
  std::int64_t in, out;
};
// A small model's, a vocabulary, widths around a panel's, single features, sums long enough to be split; some
// of whole panels, which many rows take all at once.
constexpr Size kSizes[] = {{64, 172}, {172, 64}, {64, 512},  {1100, 130}, {1, 1},
                           {3, 65},   {700, 1},  {20000, 8}, {768, 192},  {2080, 128}};

}  // namespace

TEST_CASE("a product equals the one in double, at any number of rows", "[kernels]") {
  for (const auto [in, out] : kSizes)
    for (const bool with_bias : {false, true}) {
      const Floats weight = random_floats(in * out, 1);
      const Floats bias = with_bias ? random_floats(out, 2) : Floats{};
      const Linear linear(weight, out, in, bias);
      CHECK(linear.in_features() == in);
      CHECK(linear.out_features() == out);
      for (const std::int64_t rows : {1, 2, 7, 127, 128, 129, 257}) {
        CAPTURE(in, out, rows, with_bias);
        const Floats x = random_floats(rows * in, 3);
        CHECK(largest_error(weight, bias, x, product(linear, x), in) < 1e-6);
      }
    }
}

TEST_CASE("a product has the same bytes at any number of threads", "[kernels]") {
  for (const Size& size : kSizes)
    for (const std::int64_t rows : {1, 2, 7, 128, 300}) {
      CAPTURE(size.in, size.out, rows);
      const Floats weight = random_floats(size.in * size.out, 4);
      const Floats x = random_floats(rows * size.in, 5);
      const auto with_threads = [&](int threads) {
        const ThreadCount guard(threads);
        return product(Linear(weight, size.out, size.in), x);
      };
      const Floats one = with_threads(1);
      for (const int threads : {2, 3, 7, 16})
        CHECK(same_bytes(one, with_threads(threads)));
    }
}

TEST_CASE("however rows and columns are cut for many threads, bytes and sums are the same", "[kernels]") {
  constexpr std::int64_t kIn = 96;
  constexpr std::int64_t kOut = 64 * 9;
  const Floats weight = random_floats(kIn * kOut, 31);
  const Floats bias = random_floats(kOut, 32);
  for (const Compute compute : {Compute::f32, Compute::bf16})
    for (const std::int64_t rows : {1, 64, 75, 512}) {
      const Floats x = random_floats(rows * kIn, 33);
      const Floats before = random_floats(rows * kOut, 34);
      const auto with_threads = [&](int threads) {
        const ThreadCount guard(threads);
        const Linear linear(weight, kOut, kIn, bias, compute);
        Floats y = before;
        linear.apply_add(x.data(), rows, y.data());
        const Floats plain = product(linear, x);
        y.insert(y.end(), plain.begin(), plain.end());
        return y;
      };
      const Floats one = with_threads(1);
      for (const int threads : {2, 5, 16, 40}) {
        CAPTURE(compute == Compute::bf16, rows, threads);
        CHECK(same_bytes(one, with_threads(threads)));
      }
    }
}

TEST_CASE("pieces of products cover all there is, evenly", "[kernels]") {
  for (const std::int64_t panels : {1, 9, 12, 36, 64, 500})
    for (const std::int64_t threads : {1, 2, 3, 8, 16, 64}) {
      CAPTURE(panels, threads);
      const RowShares shares = row_shares(panels, threads, 4);
      CHECK(shares.first_unit(0) == 0);
      CHECK(shares.first_unit(shares.pieces) == panels * shares.parts);
      CHECK(shares.pieces <= 8 * threads);
      const std::int64_t largest = (shares.units + threads - 1) / threads;
      CHECK((shares.parts == 4 || threads == 1 || 10 * largest * threads <= 11 * shares.units));
      for (const std::int64_t rows : {64, 100, 512}) {
        const TileShares tiles = tile_shares(rows, panels, threads, 8);
        CHECK((tiles.groups >= 1 && tiles.groups <= panels));
        CHECK((tiles.log_rows >= 3 && tiles.log_rows <= 8));
        if (rows == 512 && panels >= 12) CHECK((rows >> tiles.log_rows) * tiles.groups >= 2 * threads);
      }
    }
}

TEST_CASE("a row's result depends on its company by rounding only", "[kernels]") {
  constexpr std::int64_t kIn = 172;
  constexpr std::int64_t kOut = 64;
  constexpr std::int64_t kRows = 141;
  const Floats weight = random_floats(kIn * kOut, 6);
  const Floats x = random_floats(kRows * kIn, 7);
  const Linear linear(weight, kOut, kIn);
  const Floats together = product(linear, x);
  for (std::int64_t r = 0; r < kRows; ++r) {
    const Floats alone = product(linear, Floats(x.begin() + r * kIn, x.begin() + (r + 1) * kIn));
    for (std::int64_t o = 0; o < kOut; ++o)
      REQUIRE(alone[static_cast<std::size_t>(o)] ==
              Approx(together[static_cast<std::size_t>(r * kOut + o)]).margin(1e-5));
  }
}

TEST_CASE("a row's bytes do not depend on the others, where there are many", "[kernels]") {
  for (const Compute compute : {Compute::f32, Compute::bf16})
    for (const std::int64_t in : {96, 768, 2080}) {
      constexpr std::int64_t kOut = 128;
      constexpr std::int64_t kRows = 300;
      CAPTURE(in, compute == Compute::bf16);
      const Linear linear(random_floats(in * kOut, 21), kOut, in, {}, compute);
      if (!linear.takes_whole_rows()) continue;
      const Floats x = random_floats(kRows * in, 22);
      const Floats together = product(linear, x);
      for (const std::int64_t rows : {64, 75, 127, 193}) {
        const Floats last = product(linear, Floats(x.end() - rows * in, x.end()));
        CHECK(same_bytes(last, Floats(together.end() - rows * kOut, together.end())));
      }
    }
}

TEST_CASE("no rows are no work, and a product may run in several threads at once", "[kernels]") {
  const Floats weight = random_floats(64 * 512, 8);
  const Linear linear(weight, 512, 64);
  linear.apply(nullptr, 0, nullptr);

  const Floats x = random_floats(37 * 64, 9);
  const Floats expected = product(linear, x);
  Floats first;
  Floats second;
  std::thread other([&] { first = product(linear, x); });
  second = product(linear, x);
  other.join();
  CHECK(same_bytes(first, expected));
  CHECK(same_bytes(second, expected));
}

TEST_CASE("a product leaves the number of threads as it was", "[kernels]") {
  const ThreadCount guard(3);
  const Floats weight = random_floats(64 * 64, 10);
  product(Linear(weight, 64, 64), random_floats(64, 11));
  CHECK(thread_count() == 3);
}

TEST_CASE("apply_add adds to what is there", "[kernels]") {
  for (const auto [in, out] : kSizes)
    for (const std::int64_t rows : {1, 7, 300}) {
      CAPTURE(in, out, rows);
      const Linear linear(random_floats(in * out, 12), out, in, random_floats(out, 13));
      const Floats x = random_floats(rows * in, 14);
      const Floats before = random_floats(rows * out, 15);
      const Floats y = product(linear, x);
      Floats sum = before;
      linear.apply_add(x.data(), rows, sum.data());
      double worst = 0;
      for (std::size_t i = 0; i < sum.size(); ++i)
        worst = std::max(worst, std::abs(static_cast<double>(sum[i]) - static_cast<double>(before[i]) -
                                         static_cast<double>(y[i])));
      CHECK(worst < 1e-6 * static_cast<double>(in) + 1e-5);
    }
}

TEST_CASE("bfloat16: weights are rounded once, sums are fp32", "[kernels]") {
  for (const auto [in, out] : kSizes)
    for (const bool with_bias : {false, true}) {
      const Floats weight = random_floats(in * out, 16);
      const Floats bias = with_bias ? random_floats(out, 17) : Floats{};
      Floats rounded = weight;
      for (float& w : rounded)
        w = float_from_bf16(bf16_from_float(w));
      const Linear linear(weight, out, in, bias, Compute::bf16);
      for (const std::int64_t rows : {1, 2, 7, 129, 256}) {
        CAPTURE(in, out, rows, with_bias, linear.rounds_input());
        const Floats x = random_floats(rows * in, 18);
        // Rounded inputs: half a unit of bfloat16's eighth bit in every term.
        const double tolerance = linear.rounds_input() && rows > 1 ? 0x1p-8 : 1e-6;
        CHECK(largest_error(rounded, bias, x, product(linear, x), in) < tolerance);
      }
    }
}

TEST_CASE("bfloat16 and 8 bits have the same bytes at any number of threads", "[kernels]") {
  for (const Compute compute : {Compute::bf16, Compute::q8})
    for (const auto [in, out] : {Size{96, 130}, {96, 128}, {2080, 192}})
      for (const std::int64_t rows : {1, 7, 300}) {
        CAPTURE(in, out, rows);
        const Floats weight = random_floats(in * out, 19);
        const Floats x = random_floats(rows * in, 20);
        const auto with_threads = [&](int threads) {
          const ThreadCount guard(threads);
          return product(Linear(weight, out, in, {}, compute), x);
        };
        CHECK(same_bytes(with_threads(1), with_threads(3)));
      }
}
