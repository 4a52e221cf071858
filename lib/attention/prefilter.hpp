// What a cache keeps of its keys beside themselves, so that a threshold can rule keys out before they are
// read (docs/method.md, "Skipping before reading"). Results are the same to the bit with any of them.
#pragma once
#include <cstdint>
#include <vector>

#include "core/fresh_array.hpp"
#include "core/shape.hpp"
#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

enum class Prefilter {
  none,
  page,      // bounds of every 32 keys
  int8,      // the keys in 8 bits: in full only the keys that these leave as candidates
  automatic  // both, each as long as it pays; in decode int8 alone
};

template <>
inline constexpr auto kNames<Prefilter> = std::to_array<Named<Prefilter>>({{Prefilter::none, "none"},
                                                                           {Prefilter::page, "page"},
                                                                           {Prefilter::int8, "int8"},
                                                                           {Prefilter::automatic, "auto"}});

// Whether a head's bounds and codes pay, as far as is known.
struct PrefilterWorth {
  bool bounds = true;
  bool codes = true;
};

// Bounds and codes of the keys of all layers and KV heads. Memory: page 1/4 byte, int8 5 bytes per element of
// K (1 for the code, 4 for the keys row by row, which single candidates are read from).
class KeyIndex {
 public:
  KeyIndex(Prefilter prefilter, const ModelShape& shape, std::int64_t capacity);

  [[nodiscard]] bool has_bounds() const { return largest_.size() > 0; }
  [[nodiscard]] bool has_codes() const { return codes_.size() > 0; }
  // What queries must be coded for as well.
  [[nodiscard]] SumWidth sum_width() const { return sum_width_; }

  // `rows` keys of head `head` (layer * KV heads + KV head), stride floats apart, at positions from
  // `position` on, which follow the last one appended or, after a truncation, begin at any earlier one. Heads
  // may be appended to by different threads.
  void append(std::int64_t head, std::int64_t position, std::int64_t rows, const float* keys,
              std::int64_t stride);

  // Of the rest of a tile of keys, from `position` on, a multiple of kPageKeys.
  [[nodiscard]] TileBounds bounds(std::int64_t head, std::int64_t position) const;
  [[nodiscard]] KeyCodes codes(std::int64_t head, std::int64_t position) const;
  [[nodiscard]] const float* rows(std::int64_t head, std::int64_t position) const;

  // What decoding learns for its next step: the fraction of a head's keys that are a candidate of some query
  // head; 0 while nothing is known. From any thread; no result depends on it.
  [[nodiscard]] float candidate_share(std::int64_t head);
  void note_candidate_share(std::int64_t head, float share);
  // Prefill under Prefilter::automatic: what is worth trying on a head's keys. What rows before them found to
  // pay, and every 16th time all of it again. Threads may ask and tell at the same time; it shows in no
  // result.
  [[nodiscard]] PrefilterWorth ask_worth(std::int64_t head);
  void note_bounds_worth(std::int64_t head, bool pay);
  void note_codes_worth(std::int64_t head, bool pay);

 private:
  void append_bounds(std::int64_t head, std::int64_t position, const float* key);
  void append_codes(std::int64_t head, std::int64_t position, std::int64_t rows);

  std::int64_t dim_;
  SumWidth sum_width_;
  std::int64_t tiles_;                // of a head
  FreshArray<float> largest_;         // [heads][tiles][head_dim][pages of a tile]
  FreshArray<float> smallest_;        // the same
  std::vector<float> magnitude_;      // [heads][tiles]
  FreshArray<std::uint8_t> codes_;    // [heads][tiles][blocks][head_dim / 4][kKeyBlock][4]
  std::vector<KeyBlockFacts> facts_;  // [heads][tiles][blocks]; only whole blocks are coded
  std::vector<std::uint32_t> worth_;  // [heads] how often asked * 4, and a bit each of what did not pay
  std::vector<float> shares_;         // [heads]
  FreshArray<float> rows_;            // [heads][tiles][kTileKeys][head_dim]
};

}  // namespace toptheta
