#include "attention/prefilter.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

namespace toptheta {

namespace {
constexpr std::int64_t kTileBlocks = kTileKeys / kKeyBlock;

// The facts of a block that is not coded: any of its keys may be above a threshold.
constexpr KeyBlockFacts kUnknown{1, std::numeric_limits<float>::infinity(),
                                 std::numeric_limits<float>::infinity()};
}  // namespace

KeyIndex::KeyIndex(Prefilter prefilter, const ModelShape& shape, std::int64_t capacity)
    : dim_(shape.head_dim), sum_width_(best_sum_width()), tiles_((capacity + kTileKeys - 1) / kTileKeys) {
  const auto tiles = static_cast<std::size_t>(shape.num_layers * shape.num_kv_heads * tiles_);
  if (prefilter != Prefilter::none)
    worth_.resize(static_cast<std::size_t>(shape.num_layers * shape.num_kv_heads));
  if (prefilter == Prefilter::page || prefilter == Prefilter::automatic) {
    largest_ = FreshArray<float>(tiles * static_cast<std::size_t>(dim_ * kKeyBlock));
    smallest_ = FreshArray<float>(largest_.size());
    magnitude_.resize(tiles);
  }
  if ((prefilter == Prefilter::int8 || prefilter == Prefilter::automatic) && tiles_serve(dim_)) {
    codes_ = FreshArray<std::uint8_t>(tiles * static_cast<std::size_t>(kTileKeys * dim_));
    facts_.resize(tiles * static_cast<std::size_t>(kTileBlocks), kUnknown);
    rows_ = FreshArray<float>(codes_.size());
    shares_.resize(static_cast<std::size_t>(shape.num_layers * shape.num_kv_heads));
  }
}

void KeyIndex::append(std::int64_t head, std::int64_t position, std::int64_t rows, const float* keys,
                      std::int64_t stride) {
  if (has_bounds())
    for (std::int64_t r = 0; r < rows; ++r)
      append_bounds(head, position + r, keys + r * stride);
  if (!has_codes()) return;
  for (std::int64_t r = 0; r < rows; ++r)
    std::copy_n(keys + r * stride, dim_, rows_.data() + (head * tiles_ * kTileKeys + position + r) * dim_);
  append_codes(head, position, rows);
}

// After a truncation, the bounds of the page that was cut still cover the forgotten keys: they are looser,
// but not wrong.
void KeyIndex::append_bounds(std::int64_t head, std::int64_t position, const float* key) {
  const std::int64_t tile = head * tiles_ + position / kTileKeys;
  const std::int64_t page = position % kTileKeys / kPageKeys;
  const bool first_of_page = position % kPageKeys == 0;
  float& magnitude = magnitude_[static_cast<std::size_t>(tile)];
  if (position % kTileKeys == 0) magnitude = 0;
  float* const largest = largest_.data() + tile * dim_ * kKeyBlock + page;
  float* const smallest = smallest_.data() + tile * dim_ * kKeyBlock + page;
  for (std::int64_t i = 0; i < dim_; ++i) {
    float& high = largest[i * kKeyBlock];
    float& low = smallest[i * kKeyBlock];
    high = first_of_page ? key[i] : std::max(high, key[i]);
    low = first_of_page ? key[i] : std::min(low, key[i]);
    magnitude = std::max(magnitude, std::fabs(key[i]));
  }
}

// A block is coded once its last key has arrived; until then its keys are always read.
void KeyIndex::append_codes(std::int64_t head, std::int64_t position, std::int64_t rows) {
  const std::int64_t base = head * tiles_ * kTileKeys;
  const std::int64_t end = position + rows;
  for (std::int64_t first = position / kKeyBlock * kKeyBlock; first < end; first += kKeyBlock) {
    KeyBlockFacts& facts = facts_[static_cast<std::size_t>((base + first) / kKeyBlock)];
    if (first + kKeyBlock <= end)
      facts = code_keys(rows_.data() + (base + first) * dim_, dim_, sum_width_,
                        codes_.data() + (base + first) * dim_);
    else
      facts = kUnknown;
  }
}

TileBounds KeyIndex::bounds(std::int64_t head, std::int64_t position) const {
  const std::int64_t tile = head * tiles_ + position / kTileKeys;
  return {largest_.data() + tile * dim_ * kKeyBlock, smallest_.data() + tile * dim_ * kKeyBlock,
          magnitude_[static_cast<std::size_t>(tile)], position % kTileKeys / kPageKeys};
}

KeyCodes KeyIndex::codes(std::int64_t head, std::int64_t position) const {
  const std::int64_t key = head * tiles_ * kTileKeys + position;
  return {codes_.data() + key * dim_, facts_.data() + key / kKeyBlock};
}

const float* KeyIndex::rows(std::int64_t head, std::int64_t position) const {
  return rows_.data() + (head * tiles_ * kTileKeys + position) * dim_;
}

float KeyIndex::candidate_share(std::int64_t head) {
  return std::atomic_ref(shares_[static_cast<std::size_t>(head)]).load(std::memory_order_relaxed);
}

void KeyIndex::note_candidate_share(std::int64_t head, float share) {
  std::atomic_ref(shares_[static_cast<std::size_t>(head)]).store(share, std::memory_order_relaxed);
}

namespace {
constexpr std::uint32_t kBoundsLose = 1;
constexpr std::uint32_t kCodesLose = 2;
constexpr std::uint32_t kAskedOnce = 4;
constexpr std::uint32_t kTryAgain = 16 * kAskedOnce;

void note_loss(std::uint32_t& worth, std::uint32_t bit, bool pays) {
  const std::atomic_ref<std::uint32_t> shared(worth);
  if (pays)
    shared.fetch_and(~bit, std::memory_order_relaxed);
  else
    shared.fetch_or(bit, std::memory_order_relaxed);
}
}  // namespace

PrefilterWorth KeyIndex::ask_worth(std::int64_t head) {
  const std::uint32_t known = std::atomic_ref(worth_[static_cast<std::size_t>(head)])
                                  .fetch_add(kAskedOnce, std::memory_order_relaxed);
  if (known % kTryAgain < kAskedOnce) return {};
  return {(known & kBoundsLose) == 0, (known & kCodesLose) == 0};
}

void KeyIndex::note_bounds_worth(std::int64_t head, bool pay) {
  note_loss(worth_[static_cast<std::size_t>(head)], kBoundsLose, pay);
}

void KeyIndex::note_codes_worth(std::int64_t head, bool pay) {
  note_loss(worth_[static_cast<std::size_t>(head)], kCodesLose, pay);
}

}  // namespace toptheta
