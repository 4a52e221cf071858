// A text that grows token by token, without decoding all of it at each.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace toptheta {

class TextStream {
 public:
  // `tokenizer` must outlive the stream.
  explicit TextStream(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  // Adds a token; returns the text that is new. A character in several tokens comes with the last of them.
  // Cost: decoding of the few tokens since the last whole character but one.
  std::string_view push(std::int32_t token);
  // What has been returned so far.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  const Tokenizer& tokenizer_;
  std::vector<std::int32_t> recent_;  // tokens that decoding starts from
  std::size_t settled_ = 0;           // the first of them whose text has not been returned
  std::string text_;
};

}  // namespace toptheta
