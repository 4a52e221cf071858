// The text of token ids that arrive one by one.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace toptheta {

// Joined, the pieces that push() and finish() return are the text that decoding all ids at once adds to that
// of `before`. The only exception is a run of byte tokens that turns out not to be UTF-8 after a part of it
// was returned. Each push() decodes only the few ids since the last complete character.
class TextStream {
 public:
  // The tokenizer must outlive the stream. `before` holds the ids that the text continues.
  explicit TextStream(const Tokenizer& tokenizer, std::span<const std::int32_t> before = {});

  // Adds an id and returns the text that is certain by now; empty if the id ends inside a character.
  std::string push(std::int32_t id);
  // Returns the rest of the text. Bytes that do not form a character become U+FFFD.
  std::string finish();

 private:
  static constexpr std::size_t kLongestHeld = 256;  // the most ids that wait for the end of a character

  const Tokenizer* tokenizer_;
  std::vector<std::int32_t> ids_;  // the last ids already shown, followed by those not shown yet
  std::size_t shown_ids_ = 0;      // how many of ids_ are shown
  std::string shown_;              // the text of these
};

// Searches a growing text for the first of several stop strings.
class StopStrings {
 public:
  // Empty strings are never found.
  explicit StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  // Appends to the text, and returns whether it contains a stop string now. Searches only the new part and as
  // much before it as a stop string is long.
  bool add(std::string_view more);
  // The text up to the stop string that begins first, or all of it.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::vector<std::string> stops_;
  std::string text_;
};

}  // namespace toptheta
