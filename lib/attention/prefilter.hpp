// What a cache stores about its keys in addition to the keys, so that a threshold can rule out keys before
// they are read (docs/method.md, "Skipping before reading"). Results are the same to the bit with any choice.
#pragma once
#include <cstdint>
#include <vector>

#include "core/fresh_array.hpp"
#include "core/shape.hpp"
#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

enum class Prefilter {
  none,
  page,      // upper and lower bounds of every 32 keys
  int8,      // a copy of the keys in 8 bits; full scores only for keys that this leaves as candidates
  automatic  // both, each as long as it saves time; in decode only int8
};

template <>
inline constexpr auto kNames<Prefilter> = std::to_array<Named<Prefilter>>({{Prefilter::none, "none"},
                                                                           {Prefilter::page, "page"},
                                                                           {Prefilter::int8, "int8"},
                                                                           {Prefilter::automatic, "auto"}});

// Whether a head's bounds and codes save time, as far as is known.
struct PrefilterWorth {
  bool bounds = true;
  bool codes = true;
};

// Bounds and codes of the keys of all layers and KV heads. Memory per element of K: page 1/4 byte; int8 5
// bytes (1 for the code, and 4 for the keys row by row, from which single candidates are read).
class KeyIndex {
 public:
  KeyIndex(Prefilter prefilter, const ModelShape& shape, std::int64_t capacity);

  [[nodiscard]] bool has_bounds() const { return largest_.size() > 0; }
  [[nodiscard]] bool has_codes() const { return codes_.size() > 0; }
  // The SumWidth for which keys are coded, and queries must be.
  [[nodiscard]] SumWidth sum_width() const { return sum_width_; }

  // Appends `rows` keys of head `head` (layer * KV heads + KV head), stride floats apart, at the positions
  // from `position` on. These follow the last position or, after a truncation, begin at an earlier one.
  // Different threads may append to different heads.
  void append(std::int64_t head, std::int64_t position, std::int64_t rows, const float* keys,
              std::int64_t stride);

  // For the rest of a tile of keys from `position` on, which must be a multiple of kPageKeys.
  [[nodiscard]] TileBounds bounds(std::int64_t head, std::int64_t position) const;
  [[nodiscard]] KeyCodes codes(std::int64_t head, std::int64_t position) const;
  [[nodiscard]] const float* rows(std::int64_t head, std::int64_t position) const;

  // What a decode step learns for the next step: the fraction of a head's keys that are a candidate for some
  // query head; 0 while nothing is known. May be called from any thread; results do not depend on it.
  [[nodiscard]] float candidate_share(std::int64_t head);
  void note_candidate_share(std::int64_t head, float share);
  // For a prefill under Prefilter::automatic: what is worth trying on a head's keys. That is what saved time
  // for earlier rows, and every 16th time both again. Threads may ask and report at the same time; results do
  // not depend on it.
  [[nodiscard]] PrefilterWorth ask_worth(std::int64_t head);
  void note_bounds_worth(std::int64_t head, bool pay);
  void note_codes_worth(std::int64_t head, bool pay);

 private:
  void append_bounds(std::int64_t head, std::int64_t position, const float* key);
  void append_codes(std::int64_t head, std::int64_t position, std::int64_t rows);

  std::int64_t dim_;
  SumWidth sum_width_;
  std::int64_t tiles_;                // tiles of keys per head
  FreshArray<float> largest_;         // [heads][tiles][head_dim][pages of a tile]
  FreshArray<float> smallest_;        // the same
  std::vector<float> magnitude_;      // [heads][tiles]
  FreshArray<std::uint8_t> codes_;    // [heads][tiles][blocks][head_dim / 4][kKeyBlock][4]
  std::vector<KeyBlockFacts> facts_;  // [heads][tiles][blocks]; only whole blocks are coded
  std::vector<std::uint32_t> worth_;  // [heads] 4 * (how often asked), plus a bit for each that did not pay
  std::vector<float> shares_;         // [heads]
  FreshArray<float> rows_;            // [heads][tiles][kTileKeys][head_dim]
};

}  // namespace toptheta
