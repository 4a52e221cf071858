// Counts of what attention kept: elements, V rows, effective k and lost mass (docs/method.md, "Counting").
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/shape.hpp"

namespace toptheta {

// The counts of one query head of one layer, summed over rows.
struct HeadCount {
  std::int64_t rows = 0;
  std::int64_t visible = 0;     // sum of n
  std::int64_t kept = 0;        // sum of kept elements
  std::int64_t topk_kept = 0;   // sum of min(n, k), which top-k would keep; equals visible under dense
  double lost_mass = 0;         // sum over rows of 1 - sum of kept p
  std::int64_t tiles = 0;       // tiles of scores in which some row sees a key
  std::int64_t tiles_kept = 0;  // those in which some row keeps something
  void merge(const HeadCount& other);
};

// The counts of one KV head of one layer.
struct GroupCount {
  std::int64_t rows_needed = 0;  // prefill: union over the group's heads and all rows; decode: union per step
  std::int64_t rows_available = 0;  // prefill: N of each sequence; decode: n of each step
  void merge(const GroupCount& other);
};

// How far the output of one query head of one layer, before the output projection, is from that of dense
// attention with the same queries, keys and values; summed over rows.
struct OutputDifference {
  std::int64_t rows = 0;
  double squared_error = 0;  // sum of |out - dense|^2
  double squared_dense = 0;  // sum of |dense|^2
  double cosine = 0;         // sum of the rows' cosines; 0 where one of the two is zero, 1 where both are
  void merge(const OutputDifference& other);

  // |out - dense| / |dense| with all rows as one vector; infinity if only |dense| is 0.
  [[nodiscard]] double relative_error() const;
  [[nodiscard]] double mean_cosine() const;
};

// Totals over finished sequences. Merging is commutative up to the rounding of the sums in floating point.
struct AttentionCounts {
  ModelShape shape{};
  std::vector<HeadCount> heads;           // [num_layers * num_heads]
  std::vector<GroupCount> groups;         // [num_layers * num_kv_heads]
  std::vector<OutputDifference> outputs;  // [num_layers * num_heads]; empty unless output_error was set

  AttentionCounts() = default;
  explicit AttentionCounts(const ModelShape& model_shape);
  void merge(const AttentionCounts& other);

  [[nodiscard]] const HeadCount& head(std::int64_t layer, std::int64_t head) const;
  [[nodiscard]] const GroupCount& group(std::int64_t layer, std::int64_t kv_head) const;

  [[nodiscard]] OutputDifference output() const;  // over all heads together
  // The counts of one layer, as if the model had no other.
  [[nodiscard]] AttentionCounts layer(std::int64_t index) const;

  [[nodiscard]] double kept_elements() const;      // sum of kept / sum of visible
  [[nodiscard]] double v_rows() const;             // sum of needed / sum of available
  [[nodiscard]] double effective_k_ratio() const;  // geometric mean over heads of kept / topk_kept
  [[nodiscard]] double lost_mass() const;          // mean per row
  [[nodiscard]] double tile_sparsity() const;      // share of tiles in which no row keeps anything
};

// The size of the tiles of scores for which it is counted how many keep nothing, so that a tiled kernel could
// skip them. In decode a tile has one row.
struct TileSize {
  std::int64_t rows = 128;
  std::int64_t keys = 128;
};

// What a head keeps in some consecutive rows from `position` on, all of which lie in the same row of tiles.
struct KeptPositions {
  std::int64_t position = 0;
  std::int64_t first_key = 0;             // the first key that the first of these rows sees
  std::int64_t end = 0;                   // one past the last key that the last of them sees
  std::span<const std::uint64_t> bits{};  // bit set of the positions that some of the rows keep
};

// The counts of a sequence that is being processed. Copyable, so that several continuations can share a
// counted prefix.
class SequenceCounts {
 public:
  SequenceCounts() = default;
  SequenceCounts(const ModelShape& shape, std::int64_t capacity, Phase phase, TileSize tile = {});

  [[nodiscard]] Phase phase() const { return phase_; }
  // The number of rows of a tile.
  [[nodiscard]] std::int64_t tile_rows() const { return phase_ == Phase::decode ? 1 : tile_.rows; }
  // Adds one row of a query head; called in row order.
  void add_row(std::int64_t layer, std::int64_t head, const HeadCount& row);
  // Adds the difference of a query head's output from dense attention's in some rows; called in row order.
  void add_output(std::int64_t layer, std::int64_t head, const OutputDifference& rows);
  // Adds what a query head keeps in some rows, for the count of tiles; called in row order, once per row.
  void add_kept(std::int64_t layer, std::int64_t head, const KeptPositions& rows);
  // Adds the union of the positions [0, visible) that the heads of a KV group kept in some rows, as a bit
  // set.
  void add_group(std::int64_t layer, std::int64_t kv_head, std::span<const std::uint64_t> kept_bits,
                 std::int64_t visible);
  // The totals of the sequence; to be called when it has ended.
  [[nodiscard]] AttentionCounts totals() const;

 private:
  Phase phase_ = Phase::prefill;
  std::int64_t words_ = 0;   // 64-bit words per bit set
  std::int64_t length_ = 0;  // the largest `visible` so far
  AttentionCounts counts_;
  std::vector<std::uint64_t> bits_;  // prefill: [layers][KV heads][words] union so far

  // The row of tiles that a head is in at present.
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
