// The "normalizer" of a tokenizer.json: rewrites a text before it is cut up.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tokenizer/json_field.hpp"
#include "tokenizer/regex.hpp"

namespace toptheta {

// `text` with every occurrence of `from` (not empty), left to right and without overlaps, replaced by `to`.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

class Normalizer {
 public:
  Normalizer() = default;  // leaves texts as they are

  // Takes null, Prepend, Replace (of a string), NFC and Sequences of these; throws InputError naming anything
  // else.
  static Normalizer parse(const std::optional<JsonField>& field);

  // Requires valid UTF-8. Under NFC, throws InputError for texts that NFC may change: only texts that are
  // certain to be in NFC already pass.
  [[nodiscard]] std::string apply(std::string text) const;
  [[nodiscard]] bool is_identity() const { return steps_.empty(); }

 private:
  struct Prepend {
    std::string text;
  };
  struct Replace {
    std::string from;
    std::string to;
  };
  struct RequireNfc {
    std::string where;
    Regex may_change;
  };
  using Step = std::variant<Prepend, Replace, RequireNfc>;

  void add(const JsonField& field);

  std::vector<Step> steps_;
};

}  // namespace toptheta
