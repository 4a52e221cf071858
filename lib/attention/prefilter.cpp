#include "attention/prefilter.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace toptheta {

namespace {
constexpr std::array<std::pair<Prefilter, std::string_view>, 4> kPrefilters{{{Prefilter::none, "none"},
                                                                             {Prefilter::page, "page"},
                                                                             {Prefilter::int8, "int8"},
                                                                             {Prefilter::automatic, "auto"}}};
}  // namespace

std::string_view name_of(Prefilter prefilter) {
  return std::find_if(kPrefilters.begin(), kPrefilters.end(),
                      [=](auto& entry) { return entry.first == prefilter; })
      ->second;
}

std::optional<Prefilter> prefilter_from_name(std::string_view name) {
  for (const auto& [prefilter, known] : kPrefilters)
    if (known == name) return prefilter;
  return std::nullopt;
}

KeyIndex::KeyIndex(Prefilter prefilter, const ModelShape& shape, std::int64_t capacity)
    : dim_(shape.head_dim), tiles_((capacity + kTileKeys - 1) / kTileKeys) {
  const auto tiles = static_cast<std::size_t>(shape.num_layers * shape.num_kv_heads * tiles_);
  if (prefilter == Prefilter::page || prefilter == Prefilter::automatic) {
    largest_.resize(tiles * static_cast<std::size_t>(dim_ * kKeyBlock));
    smallest_.resize(largest_.size());
    magnitude_.resize(tiles);
  }
  if (prefilter == Prefilter::int8 || prefilter == Prefilter::automatic) {
    bytes_.resize(tiles * static_cast<std::size_t>(kTileKeys * dim_));
    steps_.resize(tiles * static_cast<std::size_t>(kTileKeys));
    rows_.resize(bytes_.size());
  }
}

void KeyIndex::append(std::int64_t head, std::int64_t position, const float* key) {
  if (has_bounds()) append_bounds(head, position, key);
  if (has_bytes()) append_bytes(head, position, key);
}

// After a truncation the bounds of the page it cut still cover what was forgotten: looser, not wrong.
void KeyIndex::append_bounds(std::int64_t head, std::int64_t position, const float* key) {
  const std::int64_t tile = head * tiles_ + position / kTileKeys;
  const std::int64_t page = position % kTileKeys / kPageKeys;
  const bool first_of_page = position % kPageKeys == 0;
  float& magnitude = magnitude_[static_cast<std::size_t>(tile)];
  if (position % kTileKeys == 0) magnitude = 0;
  for (std::int64_t i = 0; i < dim_; ++i) {
    const auto at = static_cast<std::size_t>((tile * dim_ + i) * kKeyBlock + page);
    largest_[at] = first_of_page ? key[i] : std::max(largest_[at], key[i]);
    smallest_[at] = first_of_page ? key[i] : std::min(smallest_[at], key[i]);
    magnitude = std::max(magnitude, std::fabs(key[i]));
  }
}

void KeyIndex::append_bytes(std::int64_t head, std::int64_t position, const float* key) {
  const std::int64_t tile = head * tiles_ + position / kTileKeys;
  const std::int64_t within = position % kTileKeys;
  float magnitude = 0;
  for (std::int64_t i = 0; i < dim_; ++i)
    magnitude = std::max(magnitude, std::fabs(key[i]));
  const float step = magnitude / 127;
  steps_[static_cast<std::size_t>(tile * kTileKeys + within)] = step;
  std::copy_n(key, dim_, rows_.data() + (tile * kTileKeys + within) * dim_);
  std::int8_t* const bytes =
      bytes_.data() + (tile * kTileKeys + within / kKeyBlock * kKeyBlock) * dim_ + within % kKeyBlock;
  for (std::int64_t i = 0; i < dim_; ++i)
    bytes[i * kKeyBlock] =
        step > 0 ? static_cast<std::int8_t>(std::clamp(std::nearbyint(key[i] / step), -127.0F, 127.0F))
                 : std::int8_t{0};
}

TileBounds KeyIndex::bounds(std::int64_t head, std::int64_t position) const {
  const std::int64_t tile = head * tiles_ + position / kTileKeys;
  return {largest_.data() + tile * dim_ * kKeyBlock, smallest_.data() + tile * dim_ * kKeyBlock,
          magnitude_[static_cast<std::size_t>(tile)]};
}

TileBytes KeyIndex::bytes(std::int64_t head, std::int64_t position) const {
  const std::int64_t tile = head * tiles_ + position / kTileKeys;
  return {bytes_.data() + tile * kTileKeys * dim_, steps_.data() + tile * kTileKeys,
          rows_.data() + tile * kTileKeys * dim_};
}

}  // namespace toptheta
