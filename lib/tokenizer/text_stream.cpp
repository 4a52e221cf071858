#include "tokenizer/text_stream.hpp"

#include <algorithm>

namespace toptheta {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

}  // namespace

TextStream::TextStream(const Tokenizer& tokenizer, std::span<const std::int32_t> before)
    : tokenizer_(&tokenizer), ids_(before.begin(), before.end()), shown_ids_(before.size()) {
  shown_ = tokenizer.decode(before);
  // If `before` ends inside a character, the ids that follow will complete it.
  while (shown_.ends_with(kReplacement))
    shown_.resize(shown_.size() - kReplacement.size());
}

std::string TextStream::push(std::int32_t id) {
  ids_.push_back(id);
  const std::string text = tokenizer_->decode(ids_);
  const bool held = text.ends_with(kReplacement) && ids_.size() - shown_ids_ < kLongestHeld;
  if (held || text.size() <= shown_.size() || !text.starts_with(shown_)) return {};
  std::string fresh = text.substr(shown_.size());
  // Keep the ids just shown in front of the next ones, because the first token of a text may decode
  // differently.
  ids_.erase(ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(shown_ids_));
  shown_ids_ = ids_.size();
  shown_ = tokenizer_->decode(ids_);
  return fresh;
}

std::string TextStream::finish() {
  const std::string text = tokenizer_->decode(ids_);
  std::string rest = text.starts_with(shown_) ? text.substr(shown_.size()) : std::string();
  shown_ = text;
  shown_ids_ = ids_.size();
  return rest;
}

bool StopStrings::add(std::string_view more) {
  const std::size_t old_size = text_.size();
  text_ += more;
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops_) {
    if (stop.empty()) continue;
    const std::size_t from = old_size - std::min(old_size, stop.size() - 1);
    first = std::min(first, text_.find(stop, from));
  }
  if (first == std::string::npos) return false;
  text_.resize(first);
  return true;
}

}  // namespace toptheta
