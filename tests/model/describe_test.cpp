#include "model/describe.hpp"

#include <algorithm>

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("the words about a model name its activation", "[model]") {
  const std::pair<Activation, std::string> names[] = {{Activation::silu, "plain SiLU"},
                                                      {Activation::gelu_tanh, "plain GELU (tanh)"},
                                                      {Activation::gelu_erf, "plain GELU (erf)"},
                                                      {Activation::relu, "plain ReLU"},
                                                      {Activation::relu_squared, "plain squared ReLU"},
                                                      {Activation::clamped_swish, "plain clamped swish"}};
  for (const auto& [activation, name] : names) {
    ModelConfig config;
    config.ffn.activation = activation;
    config.ffn_size = 7;
    const std::vector<std::string> words = describe(config);
    CHECK(std::count(words.begin(), words.end(), name + " feed-forward part of 7") == 1);
  }
}
