#include "model/rope.hpp"

#include <cmath>
#include <utility>

#include "support/catch.hpp"

using namespace toptheta;

namespace {

ModelConfig config_of(std::int64_t head_dim, double theta, RopeScaling scaling = {}) {
  ModelConfig config;
  config.shape.head_dim = head_dim;
  config.rope_theta = theta;
  config.rope_scaling = scaling;
  return config;
}

}  // namespace

TEST_CASE("plain rotary frequencies are powers of theta", "[model]") {
  const auto frequencies = rope_frequencies(config_of(8, 10000));
  REQUIRE(frequencies.size() == 4);
  CHECK(frequencies[0] == Approx(1));
  CHECK(frequencies[1] == Approx(0.1));
  CHECK(frequencies[2] == Approx(0.01));
  CHECK(frequencies[3] == Approx(0.001));
}

TEST_CASE("linear scaling divides the frequencies", "[model]") {
  const auto frequencies =
      rope_frequencies(config_of(8, 10000, {.kind = RopeScaling::Kind::linear, .factor = 4}));
  CHECK(frequencies[0] == Approx(0.25));
  CHECK(frequencies[3] == Approx(0.00025));
}

TEST_CASE("llama3 scaling equals the reference's numbers", "[model]") {
  // LLaMA 3.1 8B; computed with the formula of Hugging Face's _compute_llama3_parameters, in double.
  const auto frequencies = rope_frequencies(config_of(128, 500000,
                                                      {.kind = RopeScaling::Kind::llama3,
                                                       .factor = 8,
                                                       .low_freq_factor = 1,
                                                       .high_freq_factor = 4,
                                                       .original_context = 8192}));
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

TEST_CASE("the table holds cosines and sines, and grows without changing", "[model]") {
  RopeTable table({1.0, 0.125});
  table.extend(3);
  table.extend(700);
  table.extend(10);
  for (const std::int64_t position : {0, 1, 2, 3, 255, 256, 699})
    for (const std::size_t i : {0U, 1U}) {
      const double angle = static_cast<double>(position) * (i == 0 ? 1.0 : 0.125);
      CHECK(table.cos(position)[i] == static_cast<float>(std::cos(angle)));
      CHECK(table.sin(position)[i] == static_cast<float>(std::sin(angle)));
    }
}
