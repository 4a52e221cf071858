#include "model/describe.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "model/random_weights.hpp"
#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("the words about a feed-forward part name its activation") {
  ModelConfig config = config_from_shape("d=32,layers=2,heads=4,ffn=48,vocab=100");
  const std::pair<Activation, std::string> names[] = {
      {Activation::silu, "SiLU"},
      {Activation::gelu_tanh, "GELU (tanh)"},
      {Activation::gelu_erf, "GELU (erf)"},
      {Activation::relu, "ReLU"},
      {Activation::relu_squared, "squared ReLU"},
      {Activation::clamped_swish, "clamped swish"},
  };
  for (const auto& [activation, name] : names) {
    config.ffn.activation = activation;
    const auto words = describe(config);
    CHECK(std::count(words.begin(), words.end(), "gated " + name + " feed-forward part of 48") == 1);
  }
}
