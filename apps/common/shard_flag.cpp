#include "common/shard_flag.hpp"

#include <charconv>

#include "core/error.hpp"

namespace toptheta::app {

Shard parse_shard(const std::string& text) {
  Shard shard;
  const char* end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, shard.index);
  const bool slash = index.ec == std::errc() && index.ptr != end && *index.ptr == '/';
  const auto count = slash ? std::from_chars(index.ptr + 1, end, shard.count)
                           : std::from_chars_result{end, std::errc::invalid_argument};
  constexpr std::int64_t kMost = 1 << 20;
  if (count.ec != std::errc() || count.ptr != end || shard.index < 1 || shard.index > shard.count ||
      shard.count > kMost)
    throw UsageError({.where = "--shard",
                      .what = "not a share",
                      .expected = "I/N with I from 1 to N: 1/8, 2/8, ... 8/8",
                      .found = text});
  --shard.index;
  return shard;
}

}  // namespace toptheta::app
