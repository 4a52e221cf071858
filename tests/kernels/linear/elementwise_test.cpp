#include "kernels/linear/elementwise.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "core/random.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

using Floats = std::vector<float>;

// Sizes around every vector width, and a model's.
constexpr std::size_t kSizes[] = {1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 64, 65, 172, 768};

Floats random_floats(std::size_t count, std::uint64_t seed, double range = 3) {
  Random random(seed);
  Floats values(count);
  for (float& v : values)
    v = static_cast<float>(range * (2 * random.uniform() - 1));
  return values;
}

double silu(double x) {
  return x / (1 + std::exp(-x));
}

}  // namespace

TEST_CASE("rms_norm equals its formula in double", "[kernels]") {
  for (const std::size_t size : kSizes) {
    CAPTURE(size);
    const Floats x = random_floats(size, 1);
    const Floats weight = random_floats(size, 2);
    constexpr double kEps = 1e-5;
    double squares = 0;
    for (const float v : x)
      squares += static_cast<double>(v) * static_cast<double>(v);
    const double scale = 1 / std::sqrt(squares / static_cast<double>(size) + kEps);
    Floats out(size);
    rms_norm(x, weight, static_cast<float>(kEps), out);
    for (std::size_t i = 0; i < size; ++i) {
      const double expected = static_cast<double>(x[i]) * scale * static_cast<double>(weight[i]);
      CHECK(static_cast<double>(out[i]) == Approx(expected).epsilon(1e-6));
    }
    Floats in_place = x;
    rms_norm(in_place, weight, static_cast<float>(kEps), in_place);
    CHECK(in_place == out);
  }
}

TEST_CASE("rms_norm of zeros is zero", "[kernels]") {
  const Floats zeros(20);
  Floats out(20, 1);
  rms_norm(zeros, Floats(20, 1), 1e-5F, out);
  CHECK(out == zeros);
}

TEST_CASE("rotate_halves turns the pair (i, i + half)", "[kernels]") {
  for (const std::size_t half : kSizes) {
    CAPTURE(half);
    const Floats x = random_floats(2 * half, 3);
    const Floats angles = random_floats(half, 4);
    Floats cos(half);
    Floats sin(half);
    for (std::size_t i = 0; i < half; ++i) {
      cos[i] = std::cos(angles[i]);
      sin[i] = std::sin(angles[i]);
    }
    Floats out(2 * half);
    rotate_halves(x, cos, sin, out);
    for (std::size_t i = 0; i < half; ++i) {
      const auto a = static_cast<double>(x[i]);
      const auto b = static_cast<double>(x[i + half]);
      const auto c = static_cast<double>(cos[i]);
      const auto s = static_cast<double>(sin[i]);
      CHECK(static_cast<double>(out[i]) == Approx(a * c - b * s).margin(1e-6));
      CHECK(static_cast<double>(out[i + half]) == Approx(b * c + a * s).margin(1e-6));
    }
    Floats in_place = x;
    rotate_halves(in_place, cos, sin, in_place);
    CHECK(in_place == out);
  }
}

TEST_CASE("silu_multiply equals its formula in double", "[kernels]") {
  for (const std::size_t size : kSizes) {
    CAPTURE(size);
    const Floats gate = random_floats(size, 5, 20);
    const Floats up = random_floats(size, 6);
    Floats out(size);
    silu_multiply(gate, up, out);
    for (std::size_t i = 0; i < size; ++i) {
      const double expected = silu(static_cast<double>(gate[i])) * static_cast<double>(up[i]);
      CHECK(static_cast<double>(out[i]) == Approx(expected).epsilon(1e-6).margin(1e-12));
    }
    Floats in_place = gate;
    silu_multiply(in_place, up, in_place);
    CHECK(in_place == out);
  }
}

TEST_CASE("silu_multiply far out", "[kernels]") {
  const float huge = std::numeric_limits<float>::max();
  const Floats gate = {-1000, -110, -90, 0, 90, 1000, huge, -huge};
  const Floats up(gate.size(), 1);
  Floats out(gate.size());
  silu_multiply(gate, up, out);
  for (const std::size_t i : {0U, 1U, 2U, 3U, 7U})
    CHECK(std::abs(out[i]) < 1e-30F);
  CHECK(out[4] == 90);
  CHECK(out[5] == 1000);
  CHECK(out[6] == huge);
}
