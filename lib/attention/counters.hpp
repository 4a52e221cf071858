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
  std::int64_t visible = 0;    // sum of n
  std::int64_t kept = 0;       // sum of kept elements
  std::int64_t topk_kept = 0;  // sum of min(n, k): what top-k would keep; equals visible under dense
  double lost_mass = 0;        // sum over rows of 1 - sum of kept p
  void merge(const HeadCount& other);
};

// One KV head of one layer.
struct GroupCount {
  std::int64_t rows_needed = 0;  // prefill: union over the group's heads and all rows; decode: union per step
  std::int64_t rows_available = 0;  // prefill: N of each sequence; decode: n of each step
  void merge(const GroupCount& other);
};

// Totals over finished sequences. Merging is commutative up to the rounding of lost_mass.
struct AttentionCounts {
  ModelShape shape{};
  std::vector<HeadCount> heads;    // [num_layers * num_heads]
  std::vector<GroupCount> groups;  // [num_layers * num_kv_heads]

  AttentionCounts() = default;
  explicit AttentionCounts(const ModelShape& model_shape);
  void merge(const AttentionCounts& other);

  [[nodiscard]] const HeadCount& head(std::int64_t layer, std::int64_t head) const;
  [[nodiscard]] const GroupCount& group(std::int64_t layer, std::int64_t kv_head) const;

  [[nodiscard]] double kept_elements() const;      // sum of kept / sum of visible
  [[nodiscard]] double v_rows() const;             // sum of needed / sum of available
  [[nodiscard]] double effective_k_ratio() const;  // geometric mean over heads of kept / topk_kept
  [[nodiscard]] double lost_mass() const;          // mean per row
};

// The counts of a sequence under way. Copyable, so that several continuations can share a counted prefix.
class SequenceCounts {
 public:
  SequenceCounts() = default;
  SequenceCounts(const ModelShape& shape, std::int64_t capacity, Phase phase);

  [[nodiscard]] Phase phase() const { return phase_; }
  // Adds one row of a query head; called by attention in row order.
  void add_row(std::int64_t layer, std::int64_t head, const HeadCount& row);
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
};

}  // namespace toptheta
