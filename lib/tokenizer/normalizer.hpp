// The "normalizer" of a tokenizer.json: rewrites a text before it is split.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "io/json_reader.hpp"
#include "tokenizer/charsmap.hpp"
#include "tokenizer/pattern.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {

class Normalizer {
 public:
  Normalizer() = default;  // leaves texts unchanged

  // Accepts null, NFC, NFD, NFKC, NFKD, Prepend, Replace, Lowercase, Strip, StripAccents, Nmt, Precompiled,
  // ByteLevel and Sequences of these; throws InputError naming anything else.
  static Normalizer parse(const std::optional<JsonValue>& field);

  // Requires valid UTF-8.
  [[nodiscard]] std::string apply(std::string text) const;
  // Whether it may remove the beginning of a text.
  [[nodiscard]] bool removes() const;

 private:
  struct Form {
    NormalForm form;
  };
  struct Prepend {
    std::string text;
  };
  struct Replace {
    Pattern from;
    std::string to;
  };
  struct Strip {
    bool left = false;
    bool right = false;
  };
  struct Lowercase {};
  struct StripAccents {};
  struct Nmt {};
  struct ByteLevel {};
  using Step = std::variant<Form, Prepend, Replace, Strip, Lowercase, StripAccents, Nmt, ByteLevel, Charsmap>;

  void add(const JsonValue& field);
  static std::string run(const Form& step, const std::string& text);
  static std::string run(const Prepend& step, const std::string& text);
  static std::string run(const Replace& step, const std::string& text);
  static std::string run(const Strip& step, const std::string& text);
  static std::string run(const Lowercase& step, const std::string& text);
  static std::string run(const StripAccents& step, const std::string& text);
  static std::string run(const Nmt& step, const std::string& text);
  static std::string run(const ByteLevel& step, const std::string& text);
  static std::string run(const Charsmap& step, const std::string& text);

  std::vector<Step> steps_;
};

}  // namespace toptheta
