#include "theta/length_bins.hpp"

#include <fmt/format.h>

#include <bit>
#include <cassert>
#include <charconv>
#include <limits>

#include "core/error.hpp"

namespace toptheta {

namespace {

constexpr std::int32_t kLongest = std::numeric_limits<std::int32_t>::max();

// The first length that is in bin `bin` or a later one: the first of the bin's own, unless the bin is empty.
std::int64_t begin_of(std::int64_t bin, std::int64_t per_octave) {
  const std::int64_t octave = std::int64_t{1} << (bin / per_octave);
  const std::int64_t part = bin % per_octave;
  return octave + (part * octave + per_octave - 1) / per_octave;
}

}  // namespace

std::int32_t length_bin(std::int32_t length, std::int32_t per_octave) {
  assert(length >= 1);
  const auto n = static_cast<std::uint32_t>(length);
  const auto octave = static_cast<int>(std::bit_width(n)) - 1;
  const auto past = static_cast<std::uint64_t>(n - (std::uint32_t{1} << octave));
  return octave * per_octave +
         static_cast<std::int32_t>((past * static_cast<std::uint64_t>(per_octave)) >> octave);
}

bool LengthBins::is_key(std::int32_t key) const {
  if (!any()) return key >= 1;
  return key >= 0 && key < 31 * per_octave_ && begin_of(key, per_octave_) < begin_of(key + 1, per_octave_);
}

std::int32_t LengthBins::shortest(std::int32_t key) const {
  return any() ? static_cast<std::int32_t>(begin_of(key, per_octave_)) : key;
}

std::int32_t LengthBins::longest(std::int32_t key) const {
  if (!any()) return key;
  return static_cast<std::int32_t>(std::min<std::int64_t>(begin_of(key + 1, per_octave_) - 1, kLongest));
}

std::int64_t parse_length_bins(std::string_view text, std::string_view flag) {
  if (text == "all") return 0;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > kMostLengthBins)
    throw UsageError(
        {.where = std::string(flag),
         .what = "not a number of length bins",
         .expected = fmt::format("1 to {} bins per octave, or 'all' for a threshold of each row length",
                                 kMostLengthBins),
         .found = fmt::format("'{}'", text)});
  return value;
}

std::string format_length_bins(std::int64_t per_octave) {
  return per_octave == 0 ? std::string("all") : fmt::format("{}", per_octave);
}

}  // namespace toptheta
