#include "tokenizer/text_stream.hpp"

#include "core/random.hpp"
#include "support/catch.hpp"
#include "support/tokenizer_fixture.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

using StreamIds = std::vector<std::int32_t>;

std::string streamed(const Tokenizer& tokenizer, std::span<const std::int32_t> before,
                     std::span<const std::int32_t> ids) {
  TextStream stream(tokenizer, before);
  std::string text;
  for (const std::int32_t id : ids)
    text += stream.push(id);
  return text + stream.finish();
}

}  // namespace

TEST_CASE("a stream shows whole characters only", "[text_stream]") {
  const Tokenizer tokenizer = load_tokenizer(byte_level_json({}));
  TextStream stream(tokenizer);
  CHECK(stream.push('a') == "a");
  CHECK(stream.push(0xE6).empty());
  CHECK(stream.push(0x97).empty());
  CHECK(stream.push(0xA5) == "日");
  CHECK(stream.push(0xE6).empty());
  CHECK(stream.push('b') == "\uFFFDb");
  CHECK(stream.push(0xC3).empty());
  CHECK(stream.finish() == "\uFFFD");
}

TEST_CASE("a stream adds up to the text of all ids", "[text_stream]") {
  const Tokenizer bytes = load_tokenizer(byte_level_json({{"Ġ", "t"}, {"h", "e"}}));
  const Tokenizer pieces =
      load_tokenizer(sentencepiece_json({"▁", "a", "b", "é", "日"}, {{"▁", "a"}, {"a", "b"}, {"▁a", "b"}}));
  Random random(3);
  for (int trial = 0; trial < 200; ++trial) {
    for (const Tokenizer* tokenizer : {&bytes, &pieces}) {
      // Bytes of a SentencePiece-like vocabulary may turn characters shown before into replacements.
      const std::int32_t first = tokenizer == &bytes ? 0 : 259;
      StreamIds ids;
      for (auto left = random.below(30); left > 0; --left)
        ids.push_back(first + static_cast<std::int32_t>(
                                  random.below(static_cast<std::uint64_t>(tokenizer->vocab_size() - first))));
      CHECK(streamed(*tokenizer, {}, ids) == tokenizer->decode(ids));
      // What is behind a prompt that ends with a whole character.
      StreamIds all = tokenizer->encode("ab the");
      const std::string prompt = tokenizer->decode(all);
      const std::string rest = streamed(*tokenizer, all, ids);
      all.insert(all.end(), ids.begin(), ids.end());
      CHECK(prompt + rest == tokenizer->decode(all));
    }
  }
}

TEST_CASE("a space before a first token is kept behind a prompt", "[text_stream]") {
  const Tokenizer pieces = load_tokenizer(sentencepiece_json({"▁", "a", "b"}, {{"▁", "a"}}));
  const StreamIds prompt = pieces.encode("b");
  const StreamIds more = {pieces.id_of("▁a").value()};
  CHECK(streamed(pieces, prompt, more) == " a");
  CHECK(streamed(pieces, {}, more) == "a");
}

TEST_CASE("the stop string that begins first ends the text", "[text_stream]") {
  StopStrings stop({"END", "", "\n\n"});
  CHECK_FALSE(stop.add("abc E"));
  CHECK_FALSE(stop.add("N"));
  CHECK(stop.add("D\n\n"));
  CHECK(stop.text() == "abc ");
  StopStrings both({"ab", "xab"});
  CHECK(both.add("1xab"));
  CHECK(both.text() == "1");
  StopStrings none({});
  CHECK_FALSE(none.add("anything"));
  CHECK(none.text() == "anything");
}
