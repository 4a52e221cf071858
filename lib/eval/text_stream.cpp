#include "eval/text_stream.hpp"

#include <span>

namespace toptheta {

std::string_view TextStream::push(std::int32_t token) {
  recent_.push_back(token);
  const std::span<const std::int32_t> recent(recent_);
  // Tokens decode differently at the start of a text: the tokens before tell where the new text begins.
  const std::string before = tokenizer_.decode(recent.first(settled_));
  const std::string after = tokenizer_.decode(recent);
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  if (after.size() <= before.size() || after.ends_with(kReplacement)) return {};
  const std::size_t old = text_.size();
  text_ += std::string_view(after).substr(before.size());
  recent_.erase(recent_.begin(), recent_.begin() + static_cast<std::ptrdiff_t>(settled_));
  settled_ = recent_.size();
  return std::string_view(text_).substr(old);
}

}  // namespace toptheta
