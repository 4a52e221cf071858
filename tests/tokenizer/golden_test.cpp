// Token ids of Hugging Face's tokenizers library, by tools/tokenizer_golden.py.
#include <cstdlib>
#include <fstream>

#include "support/catch.hpp"
#include "support/tokenizer_fixture.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

Json read_golden() {
  const char* other = std::getenv("TT_TOKENIZER_GOLDEN");
  std::ifstream file(other != nullptr ? other : "tests/tokenizer/golden.json");
  REQUIRE(file.good());
  return Json::parse(file);
}

Tokenizer golden_tokenizer(const Json& golden, const Json& entry) {
  Json json = entry["tokenizer"];
  Json model = golden["models"][json["model"]["like"].get<std::string>()];
  if (json["model"]["ignore_merges"].get<bool>()) model["ignore_merges"] = true;
  json["model"] = model;
  return load_tokenizer(json);
}

}  // namespace

TEST_CASE("ids and texts of Hugging Face's tokenizers", "[tokenizer][golden]") {
  const Json golden = read_golden();
  const auto texts = golden["texts"].get<std::vector<std::string>>();
  for (const Json& entry : golden["tokenizers"]) {
    const Tokenizer tokenizer = golden_tokenizer(golden, entry);
    CHECK(tokenizer.notes().empty());
    REQUIRE(entry["cases"].size() == texts.size());
    int shown = 0;
    for (std::size_t i = 0; i < texts.size() && shown < 3; ++i) {
      const Json& expected = entry["cases"][i];
      const auto ids = tokenizer.encode(texts[i]);
      const auto framed = expected[1].is_null() ? expected[0] : expected[1];
      const std::string text = tokenizer.decode(ids);
      INFO(entry["name"].get<std::string>() << ": " << Json(texts[i]).dump(-1, ' ', true));
      CHECK(Json(ids) == expected[0]);
      CHECK(Json(tokenizer.encode_framed(texts[i])) == framed);
      if (Json(ids) == expected[0]) CHECK(text == expected[2].get<std::string>());
      shown += Json(ids) != expected[0] || text != expected[2].get<std::string>() ? 1 : 0;
    }
  }
}
