#include "model/random_weights.hpp"

#include <cmath>
#include <vector>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "model/transformer.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

constexpr const char* kShape = "d=64,layers=2,heads=4,kv-heads=2,ffn=96,vocab=300,context=64";

std::vector<float> logits(std::uint64_t seed, Compute compute = Compute::f32, std::size_t piece = 40) {
  Transformer model = Transformer::random(config_from_shape(kShape), seed, compute);
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 0; i < 40; ++i)
    tokens.push_back(i * 7);
  KvCache cache(model.config().shape, 40);
  const ResolvedPolicy dense = dense_policy(model.config().shape);
  std::vector<float> all;
  for (std::size_t at = 0; at < tokens.size(); at += piece) {
    const auto part = model.forward(std::span(tokens).subspan(at, piece), cache, dense);
    all.assign(part.begin(), part.end());
  }
  return all;
}

double relative_distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    difference += d * d;
    size += static_cast<double>(a[i]) * static_cast<double>(a[i]);
  }
  return std::sqrt(difference / size);
}

}  // namespace

TEST_CASE("a shape is read part by part, with defaults") {
  const ModelConfig config = config_from_shape("d=768,layers=12,heads=12,ffn=2048,vocab=32000");
  CHECK(config.hidden_size == 768);
  CHECK(config.shape == ModelShape{12, 12, 12, 64});
  CHECK(config.ffn_size == 2048);
  CHECK(config.vocab_size == 32000);
  CHECK(config_from_shape(kShape).context == 64);
  CHECK(config_from_shape("d=64,layers=1,heads=4,head-dim=32,ffn=8,vocab=9").shape.head_dim == 32);
}

TEST_CASE("what is no shape is refused") {
  for (const char* text :
       {"", "d=768", "d=64,layers=1,heads=4,ffn=8,vocab=9,depth=3", "d=64,layers=1,heads=4,ffn=8,vocab=x",
        "d=64,layers=0,heads=4,ffn=8,vocab=9", "d=64,layers=1,heads=5,ffn=8,vocab=9",
        "d=64,layers=1,heads=4,kv-heads=3,ffn=8,vocab=9", "d=12,layers=1,heads=4,ffn=8,vocab=9",
        "d=64,layers=1,heads=4,ffn=8,vocab=9,"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(config_from_shape(text), UsageError);
  }
}

TEST_CASE("random weights follow from the seed, at any number of threads") {
  set_thread_count(1);
  const std::vector<float> one = logits(3);
  set_thread_count(3);
  const std::vector<float> three = logits(3);
  set_thread_count(0);
  CHECK(one == three);
  CHECK(one != logits(4));
  for (const float value : one)
    REQUIRE(std::isfinite(value));
}

TEST_CASE("bfloat16 weights change the logits by about their rounding, and decoding agrees with prefill") {
  const std::vector<float> exact = logits(5);
  const std::vector<float> rounded = logits(5, Compute::bf16);
  const double distance = relative_distance(exact, rounded);
  CHECK(distance > 1e-4);
  CHECK(distance < 2e-2);
  // Where the processor multiplies bfloat16, prefill rounds activations and decoding does not.
  CHECK(relative_distance(rounded, logits(5, Compute::bf16, 1)) < 2e-2);
  CHECK(relative_distance(exact, logits(5, Compute::f32, 1)) < 1e-5);
}
