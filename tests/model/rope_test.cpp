#include "model/rope.hpp"

#include <cmath>
#include <utility>

#include "support/catch.hpp"

using namespace toptheta;

namespace {

Rope rope_of(std::int64_t dims, double theta, RopeScaling scaling = {}) {
  return {.dims = dims, .theta = theta, .scaling = std::move(scaling)};
}

}  // namespace

TEST_CASE("plain rotary frequencies are powers of theta", "[model]") {
  const auto frequencies = rope_frequencies(rope_of(8, 10000), 10);
  REQUIRE(frequencies.size() == 4);
  CHECK(frequencies[0] == Approx(1));
  CHECK(frequencies[1] == Approx(0.1));
  CHECK(frequencies[2] == Approx(0.01));
  CHECK(frequencies[3] == Approx(0.001));
}

TEST_CASE("linear scaling divides the frequencies", "[model]") {
  const auto frequencies =
      rope_frequencies(rope_of(8, 10000, {.kind = RopeScaling::Kind::linear, .factor = 4}), 10);
  CHECK(frequencies[0] == Approx(0.25));
  CHECK(frequencies[3] == Approx(0.00025));
}

TEST_CASE("llama3 scaling equals the reference's numbers", "[model]") {
  // LLaMA 3.1 8B; computed with the formula of Hugging Face's _compute_llama3_parameters, in double.
  const auto frequencies = rope_frequencies(rope_of(128, 500000,
                                                    {.kind = RopeScaling::Kind::llama3,
                                                     .factor = 8,
                                                     .low_freq_factor = 1,
                                                     .high_freq_factor = 4,
                                                     .original_context = 8192}),
                                            10);
  const std::pair<std::size_t, double> expected[] = {
      {0, 1.0},
      {1, 0.8146172338565447},
      {20, 0.016560440080994446},
      {28, 0.0032114459947525913},  // the last one left alone
      {29, 0.002166570763503359},
      {32, 0.0005248461609929547},
      {35, 9.556212353964683e-05},  // the last one blended
      {36, 7.78465527393245e-05},
      {63, 3.068925988914511e-07},
  };
  REQUIRE(frequencies.size() == 64);
  for (const auto& [index, value] : expected) {
    CAPTURE(index);
    CHECK(frequencies[index] == Approx(value).epsilon(1e-12));
  }
}

TEST_CASE("lengths change frequencies only where the scaling says so", "[model]") {
  using Kind = RopeScaling::Kind;
  const Rope dynamic = rope_of(8, 10000, {.kind = Kind::dynamic, .factor = 2, .original_context = 32});
  CHECK(rope_frequencies(dynamic, 32) == rope_frequencies(rope_of(8, 10000), 32));
  // Base 10000 * (2 * 64 / 32 - 1)^(8 / 6)
  CHECK(rope_frequencies(dynamic, 64)[1] == Approx(std::pow(10000 * std::pow(3.0, 8.0 / 6), -0.25)));
  const Rope both = rope_of(
      4, 10000,
      {.kind = Kind::longrope, .original_context = 32, .short_factors = {1, 2}, .long_factors = {4, 8}});
  CHECK(rope_frequencies(both, 32)[1] == Approx(0.005));
  CHECK(rope_frequencies(both, 33)[1] == Approx(0.00125));
  RopeTable table(both);
  table.extend(4, 32);
  CHECK(table.cos(3)[0] == static_cast<float>(std::cos(3.0)));
  table.extend(4, 33);
  CHECK(table.cos(3)[0] == static_cast<float>(std::cos(0.75)));
}

TEST_CASE("YaRN leaves fast pairs alone and divides slow ones", "[model]") {
  const RopeScaling scaling{.kind = RopeScaling::Kind::yarn, .factor = 4, .original_context = 4096};
  const auto plain = rope_frequencies(rope_of(128, 10000), 10);
  const auto scaled = rope_frequencies(rope_of(128, 10000, scaling), 10);
  CHECK(scaled[0] == plain[0]);
  CHECK(scaled[63] == Approx(plain[63] / 4));
  // Turns within 4096 positions: 32 at pair 20.9, 1 at pair 45.0, so from 20 to 46 it is blended.
  CHECK(scaled[20] == plain[20]);
  CHECK(scaled[33] == Approx(plain[33] * 0.625));
  CHECK(scaled[46] == Approx(plain[46] / 4));
}

TEST_CASE("the table holds cosines and sines, and grows without changing", "[model]") {
  RopeTable table(rope_of(4, 64));
  table.extend(3, 700);
  table.extend(700, 700);
  table.extend(10, 700);
  for (const std::int64_t position : {0, 1, 2, 3, 255, 256, 699})
    for (const std::size_t i : {0U, 1U}) {
      const double angle = static_cast<double>(position) * (i == 0 ? 1.0 : std::pow(64.0, -0.5));
      CHECK(table.cos(position)[i] == static_cast<float>(std::cos(angle)));
      CHECK(table.sin(position)[i] == static_cast<float>(std::sin(angle)));
    }
}
