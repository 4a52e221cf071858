#include "tasks/made_task.hpp"

#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

// Tokens are words.
std::int64_t count_words_of(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::int64_t count = 0;
  for (std::string word; words >> word;)
    ++count;
  return count;
}

std::vector<std::string> texts() {
  std::string text;
  for (int i = 0; i < 400; ++i)
    text += "Person" + std::to_string(i) + " likes word" + std::string(1, static_cast<char>('a' + i % 26)) +
            std::string(1, static_cast<char>('a' + i / 26)) +
            (i % 2 == 0 ? " and the red box. " : " and the tall hat. ");
  std::string words;
  for (char a = 'a'; a <= 'z'; ++a)
    for (char b = 'a'; b <= 'z'; ++b)
      words += std::string("w") + a + b + " ";
  return {text, words};
}

std::vector<nlohmann::json> made(MadeKind kind, std::int64_t length, std::int64_t count = 5,
                                 std::uint64_t seed = 1) {
  std::istringstream lines(make_task(texts(), {kind, length, count, seed}, count_words_of));
  std::vector<nlohmann::json> list;
  for (std::string line; std::getline(lines, line);)
    list.push_back(nlohmann::json::parse(line));
  return list;
}

}  // namespace

TEST_CASE("made prompts have the length that was asked for", "[made]") {
  for (const MadeKind kind :
       {MadeKind::needle, MadeKind::multi_key, MadeKind::variable_tracking, MadeKind::common_words}) {
    INFO(name_of(kind));
    CHECK(made_kind_from_name(name_of(kind)) == kind);
    for (const auto& line : made(kind, 256)) {
      const std::int64_t tokens = count_words_of(line.at("prompt").get<std::string>());
      CHECK(line.at("tokens") == tokens);
      CHECK(tokens + line.at("max_new_tokens").get<std::int64_t>() <= 256);
      CHECK(tokens + line.at("max_new_tokens").get<std::int64_t>() > 256 - 12);
      CHECK(line.at("kind") == name_of(kind));
      CHECK(line.at("length") == 256);
    }
  }
}

TEST_CASE("equal seeds give equal tasks, other seeds others", "[made]") {
  CHECK(make_task(texts(), {MadeKind::multi_key, 256, 3, 7}, count_words_of) ==
        make_task(texts(), {MadeKind::multi_key, 256, 3, 7}, count_words_of));
  CHECK(make_task(texts(), {MadeKind::multi_key, 256, 3, 7}, count_words_of) !=
        make_task(texts(), {MadeKind::multi_key, 256, 3, 8}, count_words_of));
  CHECK(made(MadeKind::needle, 256, 2)[1] == made(MadeKind::needle, 256, 5)[1]);
}

TEST_CASE("what is asked for was told once, at the distance that is noted", "[made]") {
  for (const auto& line : made(MadeKind::multi_key, 256)) {
    const auto prompt = line.at("prompt").get<std::string>();
    const auto answer = line.at("answer").get<std::string>();
    const std::size_t at = prompt.find(" is " + answer + ".");
    REQUIRE(at != std::string::npos);
    CHECK(prompt.find(answer, at + 5) == std::string::npos);
    CHECK(line.at("distance") == count_words_of(std::string_view(prompt).substr(at + 4 + answer.size() + 1)));
    // The question's key is told with this answer, and no other sentence speaks of it.
    const std::size_t code = prompt.rfind("What is the code of the ") + 24;
    const std::string key = prompt.substr(code, prompt.find('?', code) - code);
    CHECK(prompt.find("The code of the " + key + " is " + answer + ".") != std::string::npos);
    CHECK(prompt.find(key, prompt.find(key) + 1) == code);
  }
}

TEST_CASE("chains and word counts have the answer that they say", "[made]") {
  for (const auto& line : made(MadeKind::variable_tracking, 200)) {
    const auto prompt = line.at("prompt").get<std::string>();
    std::istringstream answer(line.at("answer").get<std::string>());
    std::string before;
    int names = 0;
    for (std::string name; answer >> name; ++names) {
      name = name.substr(0, 3);
      CHECK(prompt.find("VAR " + name + " = " + (before.empty() ? "" : "VAR " + before + ".")) !=
            std::string::npos);
      before = name;
    }
    CHECK(names == 4);
  }
  for (const auto& line : made(MadeKind::common_words, 200)) {
    const auto prompt = line.at("prompt").get<std::string>();
    std::istringstream answer(line.at("answer").get<std::string>());
    std::size_t last = 100;
    for (std::string word; answer >> word;) {
      if (word.back() == ',') word.pop_back();
      std::size_t count = 0;
      for (std::size_t at = prompt.find(word); at != std::string::npos; at = prompt.find(word, at + 1))
        ++count;
      CHECK(count < last);
      CHECK(count >= 4);
      last = count;
    }
  }
}

TEST_CASE("texts that are too short, and lengths too short for the question, are refused", "[made]") {
  CHECK_THROWS_AS(make_task(texts(), {MadeKind::needle, 100'000, 1, 1}, count_words_of), InputError);
  CHECK_THROWS_AS(make_task(texts(), {MadeKind::common_words, 100'000, 1, 1}, count_words_of), InputError);
  CHECK_THROWS_AS(make_task(texts(), {MadeKind::multi_key, 64, 1, 1}, count_words_of), UsageError);
}
