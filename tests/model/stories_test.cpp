// A trained model, where one lies beside the source tree: logits against the naive transformer on a text.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "io/safetensors.hpp"
#include "model/language_model.hpp"
#include "support/catch.hpp"
#include "support/naive_transformer.hpp"

using namespace toptheta;

namespace {

std::filesystem::path stories_directory() {
  const char* shared = std::getenv("TT_SHARED");
  return std::filesystem::path(shared != nullptr ? shared : "../shared") / "data" / "stories260K";
}

testing::NaiveTransformer naive_of(const std::filesystem::path& directory, const ModelConfig& config) {
  testing::NaiveTransformer naive{.hidden = static_cast<std::size_t>(config.hidden_size),
                                  .ffn = static_cast<std::size_t>(config.ffn_size),
                                  .layers = static_cast<std::size_t>(config.shape.num_layers),
                                  .heads = static_cast<std::size_t>(config.shape.num_heads),
                                  .kv_heads = static_cast<std::size_t>(config.shape.num_kv_heads),
                                  .head_dim = static_cast<std::size_t>(config.shape.head_dim),
                                  .vocab = static_cast<std::size_t>(config.vocab_size),
                                  .eps = config.norms.eps,
                                  .tied = config.tied_embeddings};
  for (std::size_t i = 0; i < naive.head_dim / 2; ++i)
    naive.rope_frequencies.push_back(std::pow(
        config.ropes.front().theta, -static_cast<double>(2 * i) / static_cast<double>(naive.head_dim)));
  const SafetensorsFile file(directory / "model.safetensors");
  for (const Tensor& tensor : file.tensors()) {
    const auto values = floats_of(tensor);
    naive.tensors[tensor.name] = testing::Doubles(values.begin(), values.end());
  }
  return naive;
}

}  // namespace

TEST_CASE("a trained model's logits equal the naive transformer's", "[model]") {
  const auto directory = stories_directory();
  if (!std::filesystem::exists(directory)) {
    WARN("skipped: no " + directory.string());
    return;
  }
  LanguageModel model = load_language_model(directory);
  const ModelConfig& config = model.transformer.config();
  REQUIRE(model.bos_token.has_value());
  std::vector<std::int32_t> tokens = {*model.bos_token};
  const auto text =
      model.tokenizer.encode("Once upon a time, there was a little girl named Lily. She loved to play.");
  tokens.insert(tokens.end(), text.begin(), text.end());

  KvCache cache(config.shape, std::ssize(tokens));
  const auto logits =
      model.transformer.forward(tokens, cache, dense_policy(config.shape), {.first_logit_row = 0});
  const auto expected = naive_of(directory, config).forward(tokens);
  double worst = 0;
  double nll = 0;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    double sum = 0;
    for (std::size_t v = 0; v < expected[t].size(); ++v) {
      const double difference = static_cast<double>(logits[t * expected[t].size() + v]) - expected[t][v];
      worst = std::max(worst, std::abs(difference));
      sum += std::exp(expected[t][v]);
    }
    if (t + 1 < tokens.size())
      nll += (std::log(sum) - expected[t][static_cast<std::size_t>(tokens[t + 1])]) /
             static_cast<double>(tokens.size() - 1);
  }
  CHECK(worst < 1e-4);
  // It has learnt to write such stories; a model put together wrongly has not (chance is ln 512 = 6.2).
  CHECK(nll < 1.5);
}
