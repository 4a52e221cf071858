#include "tasks/requests.hpp"

#include <numeric>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/task_library.hpp"
#include "support/tokenizer_fixture.hpp"
#include "tasks/task.hpp"

using namespace toptheta;
using namespace toptheta::testing;
using Ids = std::vector<std::int32_t>;

namespace {

constexpr std::int32_t kStart = 259;

// Ġb 256, ab 257, <|bos|> 258, <|eos|> 259.
Json tokenizer_json() {
  return byte_level_json({{"Ġ", "b"}, {"a", "b"}});
}
Json without_bos() {
  Json json = tokenizer_json();
  json["post_processor"] = nullptr;
  return json;
}

Ids counted(int count) {
  Ids ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), 1);
  return ids;
}

}  // namespace

TEST_CASE("a pair is tokenised together and cut at the context's own length", "[requests]") {
  const Tokenizer tokenizer = load_tokenizer(tokenizer_json());
  const TokenPair pair = encode_pair(tokenizer, "a", " b", kStart);
  CHECK(pair.ids == Ids{258, 'a', 256});
  CHECK(pair.context_tokens == 2);
  // Across the border a token may belong to both: the cut stays where the context's own tokens end.
  const TokenPair merged = encode_pair(tokenizer, "xa", "bc", kStart);
  CHECK(merged.ids == Ids{258, 'x', 257, 'c'});
  CHECK(merged.context_tokens == 3);
}

TEST_CASE("white space at the end of the context goes to the continuation", "[requests]") {
  const Tokenizer tokenizer = load_tokenizer(tokenizer_json());
  const TokenPair pair = encode_pair(tokenizer, "a ", "b", kStart);
  CHECK(pair.ids == Ids{258, 'a', 256});
  CHECK(pair.context_tokens == 2);
  CHECK(encode_pair(tokenizer, "a\n", "b", kStart).context_tokens == 2);
}

TEST_CASE("an empty context is the start token", "[requests]") {
  const Tokenizer with_bos = load_tokenizer(tokenizer_json());
  CHECK(encode_pair(with_bos, "", "b", 259).ids == Ids{258, 'b'});
  CHECK(encode_pair(with_bos, " ", "b", 259).ids == Ids{258, 256});
  const Tokenizer plain = load_tokenizer(without_bos());
  CHECK(encode_pair(plain, "", "b", 259).ids == Ids{259, 'b'});
  CHECK(encode_pair(plain, "a", " b", 259).ids == Ids{'a', 256});
  CHECK(encode_pair(plain, "a", " b", 259).context_tokens == 1);
}

TEST_CASE("pairs that cannot be scored are refused", "[requests]") {
  const Tokenizer tokenizer = load_tokenizer(tokenizer_json());
  CHECK_THROWS_AS(encode_pair(tokenizer, "a", "b", kStart), InputError);  // "ab" is one token, as "a" is
  CHECK_THROWS_AS(encode_pair(tokenizer, "a", "", kStart), InputError);
  CHECK_THROWS_AS(encode_pair(tokenizer, "a\xFF", " b", kStart), InputError);
  CHECK_THROWS_AS(encode_pair(tokenizer, "a", " \xFF", kStart), InputError);
}

TEST_CASE("long pairs lose their oldest tokens", "[requests]") {
  TokenPair pair{counted(10), 7};
  fit_context(pair, 9);
  CHECK(pair.ids.size() == 10);  // the last token is not read
  fit_context(pair, 5);
  CHECK(pair.ids == Ids{5, 6, 7, 8, 9, 10});
  CHECK(pair.context_tokens == 3);
  fit_context(pair, 3);
  CHECK(pair.context_tokens == 1);
  CHECK_THROWS_AS(fit_context(pair, 2), InputError);
}

TEST_CASE("rolling windows score every token once", "[requests]") {
  CHECK(rolling_windows(counted(3), 0, 8) == std::vector<Window>{{{0, 1, 2}, {1, 2, 3}}});
  CHECK(rolling_windows(counted(4), 0, 4) == std::vector<Window>{{{0, 1, 2, 3}, {1, 2, 3, 4}}});
  // The last window reaches back to fill the context.
  CHECK(rolling_windows(counted(10), 0, 4) == std::vector<Window>{{{0, 1, 2, 3}, {1, 2, 3, 4}},
                                                                  {{4, 5, 6, 7}, {5, 6, 7, 8}},
                                                                  {{6, 7, 8, 9}, {9, 10}}});
  CHECK(rolling_windows({}, 0, 4).empty());
  for (int count = 1; count < 40; ++count) {
    for (int context = 1; context < 12; ++context) {
      Ids scored;
      for (const Window& window : rolling_windows(counted(count), 0, context)) {
        CHECK(static_cast<int>(window.input.size()) <= context);
        REQUIRE(window.targets.size() <= window.input.size());
        CHECK(window.input.back() == window.targets.back() - 1);
        scored.insert(scored.end(), window.targets.begin(), window.targets.end());
      }
      CHECK(scored == counted(count));
    }
  }
}

TEST_CASE("chunked windows score the second half", "[requests]") {
  // The stream is BOS 1 2 ... 10, in windows of 4: positions 3 of each are scored.
  CHECK(chunked_windows(counted(10), 0, 4) == std::vector<Window>{{{0, 1, 2}, {3}}, {{0, 5, 6}, {7}}});
  CHECK(chunked_windows(counted(10), std::nullopt, 5) ==
        std::vector<Window>{{{1, 2, 3, 4}, {4, 5}}, {{6, 7, 8, 9}, {9, 10}}});
  CHECK(chunked_windows(counted(2), 0, 4).empty());
  CHECK(chunked_windows(counted(512), 0, 512).front().targets.size() == 255);
}

TEST_CASE("consecutive windows leave nothing out", "[requests]") {
  CHECK(consecutive_windows(counted(7), 3) == std::vector<Ids>{{1, 2, 3}, {4, 5, 6}, {7}});
  CHECK(consecutive_windows(counted(3), 3) == std::vector<Ids>{{1, 2, 3}});
  CHECK(consecutive_windows({}, 3).empty());
}

TEST_CASE("the embedded tasks load and tokenise", "[requests][data]") {
  if (!std::filesystem::exists("data/model/tokenizer.json") || !std::filesystem::exists("data/tasks")) return;
  const Tokenizer tokenizer = Tokenizer::load("data/model/tokenizer.json");
  for (const auto& entry : std::filesystem::directory_iterator("data/tasks")) {
    if (entry.path().extension() != ".jsonl") continue;
    INFO(entry.path());
    const Task task = load_task(entry.path(), shipped_tasks(), {.limit = 20});
    REQUIRE(task.size() > 0);
    if (const auto* list = std::get_if<std::vector<MultipleChoiceExample>>(&task.examples)) {
      for (const MultipleChoiceExample& example : *list) {
        for (std::int64_t choice = 0; choice < example.num_choices(); ++choice) {
          const auto& continuation = example.continuations[static_cast<std::size_t>(choice)];
          const TokenPair pair = encode_pair(tokenizer, example.context(choice), continuation, kStart);
          const std::span<const std::int32_t> ids(pair.ids);
          CHECK(tokenizer.decode(ids.subspan(static_cast<std::size_t>(pair.context_tokens))) == continuation);
        }
      }
    }
  }
}
