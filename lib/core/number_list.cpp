#include "core/number_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/error.hpp"

namespace toptheta {

namespace {

constexpr std::size_t kMaxListLength = 100000;

[[noreturn]] void bad_list(std::string_view text, std::string_view flag, std::string what) {
  throw UsageError({.where = std::string(flag),
                    .what = std::move(what),
                    .expected = "whole numbers of at least 1: 16,32,64 or 16-256*2 or 100-500+100",
                    .found = fmt::format("'{}'", text),
                    .next = "see --help of this subcommand"});
}

// Whether all of `text` is one whole number.
bool parse_whole(std::string_view text, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

void append_range(std::string_view part, std::string_view text, std::string_view flag,
                  std::vector<std::int64_t>& out) {
  const std::size_t dash = part.find('-', 1);
  const std::size_t sign = part.find_first_of("*+", dash);
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t step = 0;
  if (sign == std::string_view::npos || !parse_whole(part.substr(0, dash), first) ||
      !parse_whole(part.substr(dash + 1, sign - dash - 1), last) || !parse_whole(part.substr(sign + 1), step))
    bad_list(text, flag, "not a list of numbers");
  const bool multiply = part[sign] == '*';
  if (first < 1 || last < first || step < (multiply ? 2 : 1))
    bad_list(text, flag, "a range that does not grow");
  for (std::int64_t value = first; value <= last;) {
    out.push_back(value);
    if (out.size() > kMaxListLength) bad_list(text, flag, fmt::format("more than {} values", kMaxListLength));
    if (multiply ? value > last / step : value > last - step) break;
    value = multiply ? value * step : value + step;
  }
}

}  // namespace

std::vector<std::int64_t> parse_number_list(std::string_view text, std::string_view flag) {
  std::vector<std::int64_t> values;
  for (const std::string_view part : split(text, ',')) {
    std::int64_t value = 0;
    if (parse_whole(part, value)) {
      if (value < 1) bad_list(text, flag, fmt::format("{} is too small", value));
      values.push_back(value);
    } else if (part.find('-', 1) != std::string_view::npos) {
      append_range(part, text, flag, values);
    } else {
      bad_list(text, flag, "not a list of numbers");
    }
  }
  std::vector<std::int64_t> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const auto repeated = std::adjacent_find(sorted.begin(), sorted.end());
  if (repeated != sorted.end()) bad_list(text, flag, fmt::format("{} appears twice", *repeated));
  return values;
}

std::vector<LayerK> parse_layer_k(std::string_view text) {
  std::vector<LayerK> result;
  for (const std::string_view part : split(text, ',')) {
    const std::size_t colon = part.find(':');
    LayerK entry{};
    const bool has_layer = colon != std::string_view::npos && parse_whole(part.substr(0, colon), entry.layer);
    const std::string_view k = has_layer ? part.substr(colon + 1) : std::string_view();
    if (k == "dense") entry.k = kDenseK;
    if (!has_layer || entry.layer < 0 || (k != "dense" && (!parse_whole(k, entry.k) || entry.k < 1)))
      throw UsageError({.where = "--layer-k",
                        .what = "not a list of layer:k",
                        .expected = "LAYER:K pairs, layers from 0, K of at least 1 or 'dense': 0:512,1:512",
                        .found = fmt::format("'{}'", part)});
    if (std::any_of(result.begin(), result.end(),
                    [&](const LayerK& other) { return other.layer == entry.layer; }))
      throw UsageError({.where = "--layer-k", .what = fmt::format("layer {} appears twice", entry.layer)});
    result.push_back(entry);
  }
  return result;
}

std::vector<std::int64_t> resolve_layer_k(std::int64_t k, const std::vector<LayerK>& overrides,
                                          std::int64_t num_layers) {
  std::vector<std::int64_t> result(static_cast<std::size_t>(num_layers), k);
  for (const LayerK& entry : overrides) {
    if (entry.layer >= num_layers)
      throw UsageError({.where = "--layer-k",
                        .what = "layer out of range",
                        .expected = fmt::format("layers 0 to {}", num_layers - 1),
                        .found = fmt::format("layer {}", entry.layer)});
    result[static_cast<std::size_t>(entry.layer)] = entry.k;
  }
  return result;
}

std::string format_k(std::int64_t k) {
  return k == kDenseK ? "dense" : fmt::format("{}", k);
}

}  // namespace toptheta
