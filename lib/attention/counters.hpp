// What attention kept, counted: elements, V rows, effective k and lost mass (docs/method.md, "Counting").
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/shape.hpp"

namespace toptheta {

// One query head of one layer, summed over rows.
struct HeadCount {
  std::int64_t rows = 0;
  std::int64_t visible = 0;     // sum of n
  std::int64_t kept = 0;        // sum of kept elements
  std::int64_t topk_kept = 0;   // sum of min(n, k): what top-k would keep; equals visible under dense
  double lost_mass = 0;         // sum over rows of 1 - sum of kept p
  std::int64_t tiles = 0;       // tiles of scores that causality leaves something of
  std::int64_t tiles_kept = 0;  // those in which some row keeps something
  void merge(const HeadCount& other);
};

// One KV head of one layer.
struct GroupCount {
  std::int64_t rows_needed = 0;  // prefill: union over the group's heads and all rows; decode: union per step
  std::int64_t rows_available = 0;  // prefill: N of each sequence; decode: n of each step
  void merge(const GroupCount& other);
};

// How far the output of one query head of one layer, before the output projection, is from what dense
// attention of the same queries, keys and values gives; summed over rows.
struct OutputDifference {
  std::int64_t rows = 0;
  double squared_error = 0;  // sum of |out - dense|^2
  double squared_dense = 0;  // sum of |dense|^2
  double cosine = 0;         // sum of the rows' cosines; 0 where one of the two is zero, 1 where both are
  void merge(const OutputDifference& other);

  // |out - dense| / |dense|, the rows taken together as one vector; infinity where only |dense| is 0.
  [[nodiscard]] double relative_error() const;
  [[nodiscard]] double mean_cosine() const;
};

// Totals over finished sequences. Merging is commutative up to the rounding of lost_mass.
struct AttentionCounts {
  ModelShape shape{};
  std::vector<HeadCount> heads;           // [num_layers * num_heads]
  std::vector<GroupCount> groups;         // [num_layers * num_kv_heads]
  std::vector<OutputDifference> outputs;  // [num_layers * num_heads]; empty where nobody asked

  AttentionCounts() = default;
  explicit AttentionCounts(const ModelShape& model_shape);
  void merge(const AttentionCounts& other);

  [[nodiscard]] const HeadCount& head(std::int64_t layer, std::int64_t head) const;
  [[nodiscard]] const GroupCount& group(std::int64_t layer, std::int64_t kv_head) const;

  [[nodiscard]] OutputDifference output() const;  // of all heads together
  // The counts of one layer, as those of a model that has no other.
  [[nodiscard]] AttentionCounts layer(std::int64_t index) const;

  [[nodiscard]] double kept_elements() const;      // sum of kept / sum of visible
  [[nodiscard]] double v_rows() const;             // sum of needed / sum of available
  [[nodiscard]] double effective_k_ratio() const;  // geometric mean over heads of kept / topk_kept
  [[nodiscard]] double lost_mass() const;          // mean per row
  [[nodiscard]] double tile_sparsity() const;      // share of tiles in which no row keeps anything
};

// Of which tiles of scores it is counted how many keep nothing: what a tiled kernel skips. In decode a tile
// has one row.
struct TileSize {
  std::int64_t rows = 128;
  std::int64_t keys = 128;
};

// What a head keeps in some rows from `position` on, which lie in one row of tiles.
struct KeptPositions {
  std::int64_t position = 0;
  std::int64_t first_key = 0;             // that the first of the rows sees
  std::int64_t end = 0;                   // behind the last key that the last of them sees
  std::span<const std::uint64_t> bits{};  // set of positions that some of the rows keep
};

// The counts of a sequence under way. Copyable, so that several continuations can share a counted prefix.
class SequenceCounts {
 public:
  SequenceCounts() = default;
  SequenceCounts(const ModelShape& shape, std::int64_t capacity, Phase phase, TileSize tile = {});

  [[nodiscard]] Phase phase() const { return phase_; }
  // Rows of a tile.
  [[nodiscard]] std::int64_t tile_rows() const { return phase_ == Phase::decode ? 1 : tile_.rows; }
  // Adds one row of a query head; called by attention in row order.
  void add_row(std::int64_t layer, std::int64_t head, const HeadCount& row);
  // Adds how far a query head's output is from dense attention's in some rows; in row order.
  void add_output(std::int64_t layer, std::int64_t head, const OutputDifference& rows);
  // Adds what a query head keeps in some rows, for the tiles; in row order, each row once.
  void add_kept(std::int64_t layer, std::int64_t head, const KeptPositions& rows);
  // Adds the union of positions [0, visible) that a KV group's heads kept in some rows, as a bit set.
  void add_group(std::int64_t layer, std::int64_t kv_head, std::span<const std::uint64_t> kept_bits,
                 std::int64_t visible);
  // The sequence's totals: call it when the sequence has ended.
  [[nodiscard]] AttentionCounts totals() const;

 private:
  Phase phase_ = Phase::prefill;
  std::int64_t words_ = 0;   // 64-bit words per bit set
  std::int64_t length_ = 0;  // longest `visible` seen
  AttentionCounts counts_;
  std::vector<std::uint64_t> bits_;  // prefill: [layers][KV heads][words] union so far

  // The row of tiles that a head is in.
  struct TileRow {
    std::int64_t index = -1;  // position / tile rows; -1: none
    std::int64_t first = 0;   // tiles of keys [first, end) that its rows see
    std::int64_t end = 0;
    std::vector<bool> kept;
    void count(HeadCount& head) const;
  };
  TileSize tile_{};
  std::vector<TileRow> tile_rows_;  // [layers * heads]
};

}  // namespace toptheta
