#include "tasks/requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <string>

#include "core/error.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

std::vector<std::int32_t> copy(std::span<const std::int32_t> tokens, std::int64_t begin, std::int64_t end) {
  return {tokens.begin() + begin, tokens.begin() + end};
}

}  // namespace

TokenPair encode_pair(const Tokenizer& tokenizer, std::string_view context, std::string_view continuation,
                      std::int32_t start) {
  if (find_invalid_utf8(context)) (void)tokenizer.encode(context);  // throws, with the place
  const std::string whole = std::string(context).append(continuation);
  context.remove_suffix(trailing_white_space(context));
  TokenPair pair;
  if (const auto bos = tokenizer.bos()) {
    pair.ids.push_back(*bos);
  } else if (context.empty()) {
    pair.ids.push_back(start);
  }
  pair.context_tokens = static_cast<std::int64_t>(pair.ids.size() + tokenizer.encode(context).size());
  const std::vector<std::int32_t> ids = tokenizer.encode(whole);
  pair.ids.insert(pair.ids.end(), ids.begin(), ids.end());
  if (pair.context_tokens >= static_cast<std::int64_t>(pair.ids.size())) {
    throw InputError({.where = fmt::format("continuation \"{}\"", continuation),
                      .what = "the continuation adds no token to its context",
                      .next = "begin the continuation with white space"});
  }
  return pair;
}

void fit_context(TokenPair& pair, std::int64_t context_length) {
  const auto length = static_cast<std::int64_t>(pair.ids.size());
  const std::int64_t excess = length - (context_length + 1);
  if (excess <= 0) return;
  if (excess >= pair.context_tokens) {
    throw InputError({.where = "continuation",
                      .what = "longer than the model's context",
                      .expected = fmt::format("at most {} tokens", context_length),
                      .found = std::to_string(length - pair.context_tokens)});
  }
  pair.ids.erase(pair.ids.begin(), pair.ids.begin() + excess);
  pair.context_tokens -= excess;
}

std::vector<Window> rolling_windows(std::span<const std::int32_t> tokens, std::int32_t start,
                                    std::int64_t context_length) {
  assert(context_length >= 1);
  std::vector<Window> windows;
  const auto count = static_cast<std::int64_t>(tokens.size());
  for (std::int64_t begin = 0; begin < count; begin += context_length) {
    const std::int64_t end = std::min(begin + context_length, count);
    Window window;
    if (begin == 0) {
      window.input = copy(tokens, 0, end - 1);
      window.input.insert(window.input.begin(), start);
    } else {
      window.input = copy(tokens, end - 1 - context_length, end - 1);
    }
    window.targets = copy(tokens, begin, end);
    windows.push_back(std::move(window));
  }
  return windows;
}

std::vector<Window> chunked_windows(std::span<const std::int32_t> tokens, std::optional<std::int32_t> bos,
                                    std::int64_t context_length) {
  assert(context_length >= 3);
  std::vector<std::int32_t> stream;
  if (bos) stream.push_back(*bos);
  stream.insert(stream.end(), tokens.begin(), tokens.end());
  std::vector<Window> windows;
  const std::int64_t scored_from = context_length / 2 + 1;
  for (std::int64_t begin = 0; begin + context_length <= static_cast<std::int64_t>(stream.size());
       begin += context_length) {
    // The last token is only a target; the model need not read it.
    Window window{copy(stream, begin, begin + context_length - 1),
                  copy(stream, begin + scored_from, begin + context_length)};
    if (bos) window.input.front() = *bos;
    windows.push_back(std::move(window));
  }
  return windows;
}

std::vector<std::vector<std::int32_t>> consecutive_windows(std::span<const std::int32_t> tokens,
                                                           std::int64_t context_length) {
  assert(context_length >= 1);
  std::vector<std::vector<std::int32_t>> windows;
  const auto count = static_cast<std::int64_t>(tokens.size());
  for (std::int64_t begin = 0; begin < count; begin += context_length) {
    windows.push_back(copy(tokens, begin, std::min(begin + context_length, count)));
  }
  return windows;
}

}  // namespace toptheta
