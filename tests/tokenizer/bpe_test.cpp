#include "tokenizer/bpe.hpp"

#include <algorithm>
#include <map>

#include "core/error.hpp"
#include "core/random.hpp"
#include "support/catch.hpp"
#include "support/tokenizer_fixture.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

std::unique_ptr<BpeModel> parse(const Json& json) {
  return BpeModel::parse(json_value({{"model", json}}, "tokenizer.json").at("model"));
}

std::vector<std::int32_t> encode(const std::unique_ptr<BpeModel>& model, const std::string& word) {
  std::vector<std::int32_t> ids;
  model->encode(word, ids);
  return ids;
}

// The definition: join the leftmost pair of the lowest rank until there is none. O(n^2) and more.
std::vector<std::int32_t> naive(const Json& model, const std::string& word) {
  std::map<std::pair<std::string, std::string>, std::size_t> ranks;
  for (std::size_t rank = 0; rank < model["merges"].size(); ++rank) {
    const auto text = model["merges"][rank].get<std::string>();
    const std::size_t space = text.find(' ');
    ranks[{text.substr(0, space), text.substr(space + 1)}] = rank;
  }
  std::vector<std::string> parts;
  for (const char c : word)
    parts.emplace_back(1, c);
  while (true) {
    std::size_t best = SIZE_MAX;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = ranks.find({parts[i], parts[i + 1]});
      if (found == ranks.end() || found->second >= best) continue;
      best = found->second;
      at = i;
    }
    if (best == SIZE_MAX) break;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  std::vector<std::int32_t> ids;
  for (const std::string& part : parts)
    ids.push_back(model["vocab"][part].get<std::int32_t>());
  return ids;
}

std::string where_model_refused(const Json& json) {
  try {
    parse(json);
  } catch (const InputError& error) {
    return error.problem().where;
  }
  return "accepted";
}

Json small_model() {
  return bpe_model({"a", "b", "c"}, {{"b", "c"}, {"a", "b"}, {"ab", "c"}, {"a", "a"}});
}

}  // namespace

TEST_CASE("pairs are merged by rank, then from the left", "[bpe]") {
  const auto model = parse(small_model());                         // bc 3, ab 4, abc 5, aa 6
  CHECK(encode(model, "abc") == std::vector<std::int32_t>{0, 3});  // bc comes before ab: abc is never reached
  CHECK(encode(model, "ab") == std::vector<std::int32_t>{4});
  CHECK(encode(model, "aaa") == std::vector<std::int32_t>{6, 0});
  CHECK(encode(model, "aab") == std::vector<std::int32_t>{0, 4});
  CHECK(encode(model, "").empty());
}

TEST_CASE("ignore_merges looks for the whole word first", "[bpe]") {
  Json json = small_model();
  json["ignore_merges"] = true;
  CHECK(encode(parse(json), "abc") == std::vector<std::int32_t>{5});
  CHECK(encode(parse(json), "abca") == std::vector<std::int32_t>{0, 3, 0});
}

TEST_CASE("merges may be written as pairs", "[bpe]") {
  Json json = small_model();
  json["merges"] = Json::array({Json::array({"b", "c"}), Json::array({"a", "b"})});
  CHECK(encode(parse(json), "bcab") == std::vector<std::int32_t>{3, 4});
}

TEST_CASE("unknown characters", "[bpe]") {
  Json json = small_model();
  CHECK(encode(parse(json), "aéb") == std::vector<std::int32_t>{4});  // nothing to fall back on: it vanishes
  json["vocab"]["?"] = 7;
  json["unk_token"] = "?";
  CHECK(encode(parse(json), "aééb") == std::vector<std::int32_t>{0, 7, 7, 1});
  json["fuse_unk"] = true;
  CHECK(encode(parse(json), "aééb") == std::vector<std::int32_t>{0, 7, 1});
  json["byte_fallback"] = true;
  json["vocab"]["<0xC3>"] = 8;
  json["vocab"]["<0xA9>"] = 9;
  CHECK(encode(parse(json), "aéb") == std::vector<std::int32_t>{0, 8, 9, 1});
  CHECK(encode(parse(json), "è") == std::vector<std::int32_t>{7});  // no token for 0xA8
}

TEST_CASE("the fast encoder agrees with the definition", "[bpe]") {
  Random random(7);
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<std::string> tokens = {"a", "b", "c", "d"};
    Merges merges;
    for (int i = 0; i < 40; ++i) {
      const std::string left = tokens[random.below(tokens.size())];
      const std::string right = tokens[random.below(tokens.size())];
      if (left.size() + right.size() > 8 || std::ranges::find(tokens, left + right) != tokens.end()) continue;
      merges.emplace_back(left, right);
      tokens.push_back(left + right);
    }
    const Json json = bpe_model({"a", "b", "c", "d"}, merges);
    const auto model = parse(json);
    for (int i = 0; i < 20; ++i) {
      std::string word;
      for (auto left = random.below(100); left > 0; --left)
        word.push_back(static_cast<char>('a' + random.below(4)));
      INFO(word);
      CHECK(encode(model, word) == naive(json, word));
      CHECK(encode(model, word) == naive(json, word));  // short words come from the cache now
    }
  }
}

TEST_CASE("a word of a hundred thousand characters is no trouble", "[bpe]") {
  Merges merges = {{"a", "a"}};
  for (std::string doubled = "aa"; doubled.size() < 4096; doubled += doubled)
    merges.emplace_back(doubled, doubled);
  const auto model = parse(bpe_model({"a"}, merges));
  CHECK(encode(model, std::string(131'072, 'a')).size() == 32);
}

TEST_CASE("ids may leave gaps", "[bpe]") {
  Json json = small_model();
  json["vocab"]["c"] = 90;
  CHECK(encode(parse(json), "ac") == std::vector<std::int32_t>{0, 90});
  CHECK(parse(json)->vocabulary().end_id() == 91);
  CHECK(parse(json)->vocabulary().token(89) == nullptr);
}

TEST_CASE("a bad model is refused where it is bad", "[bpe]") {
  Json json = small_model();
  SECTION("no vocabulary") {
    json.erase("vocab");
    CHECK(where_model_refused(json) == "tokenizer.json:model.vocab");
  }
  SECTION("an empty vocabulary") {
    json["vocab"] = Json::object();
    CHECK(where_model_refused(json) == "tokenizer.json:model.vocab");
  }
  SECTION("an id that would need a table of millions") {
    json["vocab"]["c"] = Vocabulary::kEndOfIds;
    CHECK(where_model_refused(json) == "tokenizer.json:model.vocab.c");
  }
  SECTION("an id given twice") {
    json["vocab"]["c"] = 1;
    CHECK(where_model_refused(json) == "tokenizer.json:model.vocab.c");
  }
  SECTION("ids that are no ids") {
    for (const Json& id : {Json(-1), Json(1.5), Json("2"), Json(nullptr), Json(UINT64_MAX)}) {
      json["vocab"]["c"] = id;
      CHECK(where_model_refused(json) == "tokenizer.json:model.vocab.c");
    }
  }
  SECTION("merges that are none") {
    for (const Json& merge :
         {Json("ab"), Json("a b c"), Json("x y"), Json("c a"), Json({"a"}), Json({"a", 1}), Json(3)}) {
      json["merges"][1] = merge;
      CHECK(where_model_refused(json) == "tokenizer.json:model.merges[1]");
    }
    json["merges"] = "a b";
    CHECK(where_model_refused(json) == "tokenizer.json:model.merges");
  }
  SECTION("options that are not reproduced") {
    json["dropout"] = 0.1;
    CHECK(where_model_refused(json) == "tokenizer.json:model.dropout");
    json["dropout"] = 0.0;
    CHECK(where_model_refused(json) == "accepted");
    json["end_of_word_suffix"] = "</w>";
    CHECK(where_model_refused(json) == "tokenizer.json:model.end_of_word_suffix");
    json["end_of_word_suffix"] = "";
    json["continuing_subword_prefix"] = "##";
    CHECK(where_model_refused(json) == "tokenizer.json:model.continuing_subword_prefix");
    json["continuing_subword_prefix"] = nullptr;
    json["unk_token"] = "<unk>";
    CHECK(where_model_refused(json) == "tokenizer.json:model.unk_token");
  }
}
