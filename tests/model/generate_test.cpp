#include "model/generate.hpp"

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_llama.hpp"

using namespace toptheta;
using testing::TinyLlama;

namespace {

using Tokens = std::vector<std::int32_t>;

struct Fixture {
  TinyLlama tiny{.context = 24};
  Transformer model = make(tiny);
  ResolvedPolicy policy = dense_policy(model.config().shape);
  KvCache cache{model.config().shape, 64};
  Tokens prompt{1, 7, 30};

  static Transformer make(TinyLlama& tiny) {
    tiny.fill_tensors();
    const testing::TempDir dir;
    tiny.write(dir.path("tiny"));
    return Transformer::load(dir.path("tiny"));
  }
  Generation run(const GenerateOptions& options) {
    cache.truncate(0);
    return generate(model, cache, prompt, policy, options);
  }
  // The likeliest continuation by the naive transformer, from scratch for every token.
  [[nodiscard]] Tokens naive(std::int64_t count) const {
    const auto reference = tiny.naive();
    Tokens all = prompt;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto logits = reference.forward(all).back();
      all.push_back(
          static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    }
    return {all.begin() + std::ssize(prompt), all.end()};
  }
};

}  // namespace

TEST_CASE("the greedy token is the first of the largest", "[model]") {
  CHECK(greedy_token(std::vector<float>{1, 3, -1, 3}) == 1);
  CHECK(greedy_token(std::vector<float>{-5}) == 0);
}

TEST_CASE("generation takes the likeliest token again and again", "[model]") {
  Fixture f;
  const Generation result = f.run({.max_new_tokens = 8});
  CHECK(result.tokens == f.naive(8));
  CHECK(result.end == GenerateEnd::length);
  CHECK(f.run({.max_new_tokens = 0}).tokens.empty());
}

TEST_CASE("a stop token ends the text and stays out of it", "[model]") {
  Fixture f;
  const Tokens expected = f.naive(8);
  const Tokens stops = {expected[3]};
  const auto first = std::find(expected.begin(), expected.end(), expected[3]);
  const Generation result = f.run({.max_new_tokens = 8, .stop_tokens = stops});
  CHECK(result.tokens == Tokens(expected.begin(), first));
  CHECK(result.end == GenerateEnd::stop_token);
}

TEST_CASE("tokens are told as they come, and the caller may end the text", "[model]") {
  Fixture f;
  Tokens seen;
  const Generation result = f.run({.max_new_tokens = 8, .on_token = [&](std::int32_t token) {
                                     seen.push_back(token);
                                     return seen.size() < 3;
                                   }});
  CHECK(seen == f.naive(3));
  CHECK(result.tokens == seen);
  CHECK(result.end == GenerateEnd::caller);
}

TEST_CASE("the context ends the text", "[model]") {
  Fixture f;
  const Generation result = f.run({.max_new_tokens = 100});
  // The last token needs no room: nothing follows it.
  CHECK(std::ssize(result.tokens) == f.tiny.context - std::ssize(f.prompt) + 1);
  CHECK(result.end == GenerateEnd::context);
  CHECK(f.cache.length() == f.tiny.context);
}

TEST_CASE("prompt and steps are counted apart", "[model]") {
  Fixture f;
  SequenceCounts prefill(f.model.config().shape, 64, Phase::prefill);
  SequenceCounts decode(f.model.config().shape, 64, Phase::decode);
  f.run({.max_new_tokens = 5, .prefill = {.counts = &prefill}, .decode = {.counts = &decode}});
  CHECK(prefill.totals().head(0, 0).rows == 3);
  CHECK(decode.totals().head(0, 0).rows == 4);
}

TEST_CASE("a prompt that is empty or too long is an input error", "[model]") {
  Fixture f;
  f.prompt.clear();
  CHECK_THROWS_AS(f.run({.max_new_tokens = 1}), InputError);
  f.prompt.assign(25, 1);
  try {
    f.run({.max_new_tokens = 1});
    FAIL("no error");
  } catch (const InputError& error) {
    CHECK(error.problem().where == "prompt");
    CHECK(error.problem().expected == "at most 24 tokens");
    CHECK(error.problem().found == "25 tokens");
  }
}
