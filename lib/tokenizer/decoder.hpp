// The "decoder" of a tokenizer.json: turns the tokens of a text back into the text.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "io/json_reader.hpp"
#include "tokenizer/pattern.hpp"

namespace toptheta {

class Decoder {
 public:
  // Accepts null, ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip and Sequences of these; throws
  // InputError naming anything else.
  static Decoder parse(const std::optional<JsonValue>& field);

  // The text of the tokens, in valid UTF-8. Without a decoder the tokens are joined by spaces, as in Hugging
  // Face's tokenizers.
  [[nodiscard]] std::string decode(std::vector<std::string> tokens) const;

 private:
  struct ByteLevel {};
  struct ByteFallback {};
  struct Fuse {};
  struct Replace {
    Pattern from;
    std::string to;
  };
  struct Strip {
    std::string character;
    std::int64_t start = 0;  // how many to remove at most at the start of each token
    std::int64_t stop = 0;   // and at its end
  };
  struct Metaspace {
    std::string replacement;
    bool drops_in_first_token = true;
  };
  using Step = std::variant<ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace>;

  void add(const JsonValue& field);
  static void run(const ByteLevel& step, std::vector<std::string>& tokens);
  static void run(const ByteFallback& step, std::vector<std::string>& tokens);
  static void run(const Fuse& step, std::vector<std::string>& tokens);
  static void run(const Replace& step, std::vector<std::string>& tokens);
  static void run(const Strip& step, std::vector<std::string>& tokens);
  static void run(const Metaspace& step, std::vector<std::string>& tokens);

  bool present_ = false;
  std::vector<Step> steps_;
};

}  // namespace toptheta
