#include "tasks/made_task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "core/error.hpp"
#include "core/random.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

constexpr std::array<std::pair<MadeKind, std::string_view>, 4> kKinds = {{
    {MadeKind::needle, "needle"},
    {MadeKind::multi_key, "multi-key"},
    {MadeKind::variable_tracking, "variable-tracking"},
    {MadeKind::common_words, "common-words"},
}};

constexpr std::string_view kColours[] = {"red",  "blue", "white", "black", "brown", "grey", "gold",
                                         "lime", "plum", "mint",  "teal",  "rust",  "tan",  "pink"};
constexpr std::size_t kKeys = 6;     // codes in a multi-key text
constexpr std::size_t kChain = 4;    // variables in a chain
constexpr std::size_t kCommon = 3;   // common words that are asked for
constexpr std::int64_t kFewest = 4;  // how often the least common of them appears
constexpr std::int64_t kNewTokens = 16;

// The facts to put into a text, and the question about them.
struct Quest {
  std::vector<std::string> facts;  // in the order in which they appear in the text
  std::vector<std::size_t> asked;  // indices of the facts that the answer needs
  std::string question;
  std::string answer;
  std::vector<std::string> avoid;  // no other sentence of the text may contain one of these
};

// The sentences of a text, in order.
void add_sentences(std::string_view text, std::vector<std::string>& sentences) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool stop = text[at] == '.' || text[at] == '!' || text[at] == '?';
    const bool ends =
        text[at] == '\n' || (stop && (at + 1 == text.size() || text[at + 1] == ' ' || text[at + 1] == '\n'));
    if (!ends && at + 1 != text.size()) continue;
    const std::string_view sentence = strip_white_space(text.substr(begin, at + 1 - begin));
    if (sentence.size() > 1 && stop) sentences.emplace_back(sentence);
    begin = at + 1;
  }
}

std::vector<std::string> words_of(std::span<const std::string> texts) {
  std::set<std::string> words;
  for (const std::string& text : texts) {
    std::string word;
    for (const char c : text + " ") {
      if (c >= 'a' && c <= 'z') {
        word += c;
        continue;
      }
      if (c == ' ' && word.size() >= 3) words.insert(word);
      word.clear();
    }
  }
  return {words.begin(), words.end()};
}

template <typename T>
void shuffle(std::vector<T>& list, Random& random) {
  for (std::size_t i = 0; i + 1 < list.size(); ++i)
    std::swap(list[i], list[i + random.below(list.size() - i)]);
}

Quest codes_quest(std::size_t keys, Random& random) {
  std::vector<std::string_view> colours(std::begin(kColours), std::end(kColours));
  shuffle(colours, random);
  Quest quest;
  std::set<std::string> used;
  for (std::size_t i = 0; i < keys; ++i) {
    std::string code;
    do {
      code = fmt::format("{:04}", random.below(10'000));
    } while (!used.insert(code).second);
    quest.facts.push_back(fmt::format("The code of the {} box is {}.", colours[i], code));
    quest.avoid.push_back(fmt::format("{} box", colours[i]));
    if (i == 0) quest.answer = code;
  }
  quest.question = fmt::format("What is the code of the {} box?", colours[0]);
  // The fact that is asked for may come anywhere among the others.
  const std::size_t at = random.below(keys);
  std::swap(quest.facts[0], quest.facts[at]);
  quest.asked = {at};
  return quest;
}

Quest chain_quest(Random& random) {
  Quest quest;
  std::set<std::string> used;
  const auto value = 10'000 + random.below(90'000);
  std::string before = std::to_string(value);
  for (std::size_t i = 0; i < kChain; ++i) {
    std::string name;
    do {
      name.clear();
      for (int c = 0; c < 3; ++c)
        name += static_cast<char>('A' + random.below(26));
    } while (!used.insert(name).second);
    quest.facts.push_back(fmt::format("VAR {} = {}.", name, before));
    quest.asked.push_back(i);
    quest.answer += (i == 0 ? "" : ", ") + name;
    before = "VAR " + name;
  }
  quest.avoid = {"VAR "};
  quest.question =
      fmt::format("Which variables have the value {}, in the order in which they are assigned?", value);
  return quest;
}

// A prompt of adjustable length: sentences with the facts among them.
class Prompt {
 public:
  Prompt(const Quest& quest, std::vector<std::string> filler, Random& random)
      : quest_(quest), filler_(std::move(filler)) {
    for (std::size_t i = 0; i < quest.facts.size(); ++i)
      depths_.push_back(random.uniform());
    std::sort(depths_.begin(), depths_.end());
  }

  // The prompt with the first `sentences` of the filler.
  [[nodiscard]] std::string text(std::size_t sentences) const {
    return before_question(sentences, quest_.facts.size()) + "\nQuestion: " + quest_.question + " Answer:";
  }
  // The prompt up to the end of fact `index`.
  [[nodiscard]] std::string up_to(std::size_t sentences, std::size_t index) const {
    return before_question(sentences, index);
  }

 private:
  // The text up to the end of fact `last`; all of it if there are fewer facts.
  [[nodiscard]] std::string before_question(std::size_t sentences, std::size_t last) const {
    std::string text = "Story:";
    std::size_t fact = 0;
    for (std::size_t s = 0; s <= sentences; ++s) {
      for (; fact < quest_.facts.size() &&
             static_cast<std::size_t>(depths_[fact] * static_cast<double>(sentences + 1)) <= s;
           ++fact) {
        text += " " + quest_.facts[fact];
        if (fact == last) return text;
      }
      if (s < sentences) text += " " + filler_[s];
    }
    return text;
  }

  const Quest& quest_;
  std::vector<std::string> filler_;
  std::vector<double> depths_;  // of the facts, ascending, in [0, 1)
};

// The largest size in [0, most] for which `fits` holds; 0 if it holds for none. `fits` must hold up to some
// size and not beyond.
std::size_t largest(std::size_t most, const std::function<bool(std::size_t)>& fits) {
  std::size_t low = 0;
  std::size_t high = most + 1;
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

class TaskMaker {
 public:
  TaskMaker(std::span<const std::string> texts, const MadeTaskOptions& options,
            const CountTokens& count_tokens)
      : options_(options), count_(count_tokens), budget_(options.length - kNewTokens) {
    for (const std::string& text : texts)
      add_sentences(text, sentences_);
    words_ = words_of(texts);
  }

  std::string line(std::int64_t index) {
    Random random(options_.seed, static_cast<std::uint64_t>(index));
    nlohmann::ordered_json json =
        options_.kind == MadeKind::common_words ? words_example(random) : story_example(random);
    json["stop"] = {".", "\n"};
    json["max_new_tokens"] = kNewTokens;
    json["kind"] = name_of(options_.kind);
    json["length"] = options_.length;
    return json.dump() + "\n";
  }

 private:
  [[noreturn]] void refuse(const char* what) const {
    throw InputError({.where = "--text",
                      .what = fmt::format("too few {} for --length {}", what, options_.length),
                      .expected = "texts longer than the prompts to be made, in whole sentences",
                      .next = "give more text, or ask for shorter prompts"});
  }

  nlohmann::ordered_json story_example(Random& random) const {
    const Quest quest = options_.kind == MadeKind::variable_tracking
                            ? chain_quest(random)
                            : codes_quest(options_.kind == MadeKind::needle ? 1 : kKeys, random);
    std::vector<std::string> filler;
    const std::size_t start = sentences_.empty() ? 0 : random.below(sentences_.size());
    // As every sentence has at least one token, no more sentences than tokens are needed.
    for (std::size_t i = 0; i < sentences_.size() && static_cast<std::int64_t>(filler.size()) < budget_;
         ++i) {
      const std::string& sentence = sentences_[(start + i) % sentences_.size()];
      const bool clean = std::ranges::none_of(quest.avoid, [&sentence](const std::string& word) {
        return sentence.find(word) != std::string::npos;
      });
      if (clean) filler.push_back(sentence);
    }
    const std::size_t most = filler.size();
    const Prompt prompt(quest, std::move(filler), random);
    const std::size_t sentences =
        largest(most, [&](std::size_t size) { return count_(prompt.text(size)) <= budget_; });
    if (sentences == most) refuse("sentences");
    const std::string text = prompt.text(sentences);
    const std::int64_t tokens = count_(text);
    if (tokens > budget_) refuse_length(tokens);
    std::int64_t distance = 0;
    for (const std::size_t fact : quest.asked)
      distance = std::max(distance, tokens - count_(prompt.up_to(sentences, fact)));
    return {{"prompt", text}, {"answer", quest.answer}, {"tokens", tokens}, {"distance", distance}};
  }

  [[noreturn]] void refuse_length(std::int64_t tokens) const {
    throw UsageError({.where = "--length",
                      .what = "the length is too short even for the question alone",
                      .expected = fmt::format("at least {} tokens", tokens + kNewTokens),
                      .found = fmt::format("{}", options_.length)});
  }

  // A list in which kCommon words appear kFewest, kFewest + 2, ... times, among others that appear once or
  // twice. The answer names them from the most common to the rarest.
  nlohmann::ordered_json words_example(Random& random) const {
    std::vector<std::string> words = words_;
    shuffle(words, random);
    if (words.size() < kCommon) refuse("words");
    const std::vector<std::string> common(words.begin(), words.begin() + kCommon);
    words.erase(words.begin(), words.begin() + kCommon);
    std::vector<std::string> list;
    for (std::size_t c = 0; c < kCommon; ++c)
      list.insert(list.end(), static_cast<std::size_t>(kFewest) + 2 * (kCommon - 1 - c), common[c]);
    const std::size_t fixed = list.size();
    list.insert(list.end(), words.begin(), words.end());
    list.insert(list.end(), words.begin(), words.end());
    const std::uint64_t order = random.bits();
    const auto text_of = [&](std::size_t others) {
      std::vector<std::string> shown(list.begin(),
                                     list.begin() + static_cast<std::ptrdiff_t>(fixed + others));
      Random shuffled(order);
      shuffle(shown, shuffled);
      return fmt::format(
          "List: {}.\nQuestion: Which {} words appear most often in the list, the most common first? "
          "Answer:",
          fmt::join(shown, ", "), kCommon);
    };
    const std::size_t most = list.size() - fixed;
    const std::size_t others =
        largest(most, [&](std::size_t size) { return count_(text_of(size)) <= budget_; });
    if (others == most) refuse("words");
    const std::string text = text_of(others);
    const std::int64_t tokens = count_(text);
    if (tokens > budget_) refuse_length(tokens);
    return {{"prompt", text},
            {"answer", fmt::format("{}", fmt::join(common, ", "))},
            {"tokens", tokens},
            {"distance", tokens}};
  }

  MadeTaskOptions options_;
  const CountTokens& count_;
  std::int64_t budget_;
  std::vector<std::string> sentences_;
  std::vector<std::string> words_;
};

}  // namespace

std::string_view name_of(MadeKind kind) {
  for (const auto& [value, name] : kKinds)
    if (value == kind) return name;
  return "";
}

std::optional<MadeKind> made_kind_from_name(std::string_view name) {
  for (const auto& [value, known] : kKinds)
    if (known == name) return value;
  return std::nullopt;
}

std::string make_task(std::span<const std::string> texts, const MadeTaskOptions& options,
                      const CountTokens& count_tokens) {
  TaskMaker maker(texts, options, count_tokens);
  std::string lines;
  for (std::int64_t i = 0; i < options.count; ++i)
    lines += maker.line(i);
  return lines;
}

}  // namespace toptheta
