#include "eval/text_stream.hpp"

#include <span>

#include "support/catch.hpp"
#include "support/tokenizer_fixture.hpp"

using namespace toptheta;
using namespace toptheta::testing;

TEST_CASE("a text that grows token by token is the text of all tokens", "[text-stream]") {
  for (const Json& json :
       {byte_level_json({{"a", "b"}}), sentencepiece_json({"a", "b", "\xE2\x96\x81"}, {{"a", "b"}})}) {
    const Tokenizer tokenizer = load_tokenizer(json);
    const std::vector<std::int32_t> ids = tokenizer.encode("ab a\xC3\xA9 \xE2\x82\xAC b  ab");
    TextStream stream(tokenizer);
    std::string pieces;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      pieces += stream.push(ids[i]);
      CHECK(stream.text() == pieces);
      // Never a part of a character.
      CHECK(pieces.find("\xEF\xBF\xBD") == std::string::npos);
    }
    CHECK(pieces == tokenizer.decode(ids));
  }
}
