// The "pre_tokenizer" of a tokenizer.json: splits a text into the words that the model encodes one at a time.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "io/json_reader.hpp"
#include "tokenizer/pattern.hpp"

namespace toptheta {

struct Word {
  std::string text;       // UTF-8, not empty
  bool at_start = false;  // whether it is at the beginning of the whole input
};

class PreTokenizer {
 public:
  // Accepts null, ByteLevel, Metaspace, Split, Digits, Punctuation, Whitespace, WhitespaceSplit,
  // CharDelimiterSplit, BertPreTokenizer and Sequences of these; throws InputError naming anything else.
  static PreTokenizer parse(const std::optional<JsonValue>& field);

  [[nodiscard]] std::vector<Word> split(Word text) const;
  // Whether it uses Word::at_start, as a Metaspace with the prepend scheme "first" does.
  [[nodiscard]] bool depends_on_start() const;

 private:
  // What becomes of the matches of a pattern, by Hugging Face's names.
  enum class Behavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };
  enum class PrependScheme { always, first, never };
  struct Split {
    Pattern pattern;
    Behavior behavior = Behavior::isolated;
    bool invert = false;
  };
  struct Metaspace {
    std::string replacement;
    PrependScheme prepend = PrependScheme::always;
    std::optional<Split> split;
  };
  struct ByteLevel {
    bool add_prefix_space = false;
    std::optional<Split> split;
  };
  using Step = std::variant<Split, Metaspace, ByteLevel>;

  void add(const JsonValue& field);
  bool add_plain_split(const JsonValue& field, const std::string& name);
  static Behavior parse_behavior(const JsonValue& field);
  static Split parse_split(const JsonValue& field);
  static Metaspace parse_metaspace(const JsonValue& field);
  static ByteLevel parse_byte_level(const JsonValue& field);
  static std::vector<Span> parts(const Split& split, std::string_view text);
  static void cut(const Split& split, const Word& word, std::vector<Word>& words);
  static void run(const Split& split, const Word& word, std::vector<Word>& words);
  static void run(const Metaspace& step, Word word, std::vector<Word>& words);
  static void run(const ByteLevel& step, Word word, std::vector<Word>& words);

  std::vector<Step> steps_;
};

}  // namespace toptheta
