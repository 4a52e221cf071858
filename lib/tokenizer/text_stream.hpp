// Text of token ids that come one by one.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace toptheta {

// The pieces that push() and finish() give, one after the other, are what decoding all ids at once adds to
// the text of `before`; only a run of byte tokens that turns out to be no UTF-8 after it was shown may
// differ. Each push decodes the few ids since the last finished character, never the whole text.
class TextStream {
 public:
  // The tokenizer must outlive the stream. `before`: the ids that the text continues.
  explicit TextStream(const Tokenizer& tokenizer, std::span<const std::int32_t> before = {});

  // What is certain to follow the text so far; empty where the id ends inside a character.
  std::string push(std::int32_t id);
  // What was held back; bytes that make no character become U+FFFD.
  std::string finish();

 private:
  static constexpr std::size_t kLongestHeld = 256;  // ids that wait for the end of a character, at most

  const Tokenizer* tokenizer_;
  std::vector<std::int32_t> ids_;  // some that are shown already, and all that are not
  std::size_t shown_ids_ = 0;
  std::string shown_;  // the text of the first shown_ids_ of them
};

// Looks for the first of several strings in a text that grows.
class StopStrings {
 public:
  // Empty strings are never found.
  explicit StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  // Adds to the text; whether it holds a stop string now. Looks at the new part and a stop string's length
  // before it.
  bool add(std::string_view more);
  // The text up to the stop string that begins first, or all of it.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::vector<std::string> stops_;
  std::string text_;
};

}  // namespace toptheta
