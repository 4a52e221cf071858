// A call of attend() with everything that its pieces share, and the paths through it. Every path gives a row
// the same set of kept keys, and the same weights up to rounding.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "attention/attention.hpp"
#include "attention/finish_row.hpp"
#include "attention/row_attention.hpp"
#include "attention/row_parts.hpp"
#include "kernels/attention/tile_attention.hpp"
#include "kernels/rows/soft_cap.hpp"

namespace toptheta {

// The counts of a tile of rows of one KV group. They are kept apart until all tiles are done, so that totals
// are added up in row order whichever thread computed a tile.
struct TileCounts {
  std::vector<HeadCount> rows;           // [group heads][tile rows]
  std::int64_t words = 0;                // 64-bit words of a head's bits
  std::vector<std::uint64_t> kept_bits;  // [group heads][words] positions that some row of the tile keeps

  void reset(std::int64_t heads, std::int64_t keys) {
    rows.clear();
    words = (keys + 63) / 64;
    kept_bits.assign(static_cast<std::size_t>(heads * words), 0);
  }
  [[nodiscard]] std::span<std::uint64_t> bits(std::int64_t group_head) {
    return {kept_bits.data() + group_head * words, static_cast<std::size_t>(words)};
  }
};

struct Job {
  const AttentionCall& call;
  KvCache& cache;
  const ResolvedPolicy& policy;
  const AttentionListeners& listeners;
  std::int64_t row_tile = 16;
  std::int64_t first_tile_lacks =
      0;  // rows missing in the first tile, because tiles begin at positions that are multiples of row_tile

  [[nodiscard]] const ModelShape& shape() const { return cache.shape(); }
  [[nodiscard]] std::int64_t head_dim() const { return shape().head_dim; }
  [[nodiscard]] std::int64_t group_heads() const { return shape().num_heads / shape().num_kv_heads; }
  // Chooses tiles of at most `most` rows. Where tiles of scores are counted, no tile of rows belongs to two
  // rows of these.
  void choose_row_tile(std::int64_t most) {
    row_tile = most;
    if (listeners.counts == nullptr) return;
    const std::int64_t counted = listeners.counts->tile_rows();
    while (counted % row_tile != 0)
      --row_tile;
    first_tile_lacks = call.first_position % row_tile;
  }
  [[nodiscard]] std::int64_t tiles() const {
    return (call.rows + first_tile_lacks + row_tile - 1) / row_tile;
  }
  // The tile's first row, within the call.
  [[nodiscard]] std::int64_t first_row(std::int64_t tile) const {
    return std::max<std::int64_t>(tile * row_tile - first_tile_lacks, 0);
  }
  [[nodiscard]] std::int64_t tile_rows(std::int64_t tile) const {
    return std::min(call.rows, (tile + 1) * row_tile - first_tile_lacks) - first_row(tile);
  }
  // The position of the tile's first row.
  [[nodiscard]] std::int64_t tile_position(std::int64_t tile) const {
    return call.first_position + first_row(tile);
  }
  // The number of keys up to the position of the tile's last row.
  [[nodiscard]] std::int64_t tile_keys(std::int64_t tile) const {
    return tile_position(tile) + tile_rows(tile);
  }
  // The first key that the query at `position` sees, and how many keys it sees: n.
  [[nodiscard]] std::int64_t first_key(std::int64_t position) const {
    return call.arithmetic.first_key(position);
  }
  [[nodiscard]] std::int64_t row_length(std::int64_t position) const {
    return position + 1 - first_key(position);
  }
  // The rule for a row of a head.
  [[nodiscard]] RowRule rule(std::int64_t head, std::int64_t position) const {
    RowRule result =
        row_rule(policy, call.layer, head, {first_key(position), row_length(position)}, sink(head));
    // A decode step knows the whole denominator before it compares, so there is nothing to compensate.
    if (result.placement == Placement::running_softmax && listeners.is_decode()) {
      result.placement = Placement::post_softmax;
      result.sdc = Sdc::none;
    }
    return result;
  }
  // The parts of a row that are attended one after the other.
  [[nodiscard]] std::span<const RowPart> parts() const {
    static constexpr RowPart kParts[] = {RowPart::first, RowPart::chosen, RowPart::recent};
    const Policy& asked = policy.policy();
    if (asked.keep_first > 0 || asked.keep_recent > 0) return kParts;
    return std::span(kParts).subspan(1, 1);
  }
  [[nodiscard]] KeyRange keys_of(const RowRule& rule, std::int64_t position, RowPart part) const {
    return part_of(rule, {first_key(position), position + 1}, part);
  }
  // The first key that some row of the tile sees.
  [[nodiscard]] std::int64_t tile_first_key(std::int64_t tile) const {
    return first_key(tile_position(tile));
  }
  // The logit that a head has in every denominator; -infinity: none.
  [[nodiscard]] float sink(std::int64_t head) const {
    return call.arithmetic.sinks.empty() ? -std::numeric_limits<float>::infinity()
                                         : call.arithmetic.sinks[static_cast<std::size_t>(head)];
  }
  // The key from which a tile is read of which a row sees only a part: the first that is seen, rounded down
  // to whole words of marks.
  [[nodiscard]] static std::int64_t first_read(std::int64_t first_key, std::int64_t tile_first) {
    return tile_first + std::max<std::int64_t>(first_key - tile_first, 0) / 64 * 64;
  }
  // The threshold for scores before they are capped.
  [[nodiscard]] float theta_before_cap(float theta) const {
    const float cap = call.arithmetic.soft_cap;
    return cap > 0 ? before_soft_cap(theta, cap) : theta;
  }
  // Elements from one row of q and out to the next, and where the row of a head begins.
  [[nodiscard]] std::int64_t row_stride() const { return shape().num_heads * shape().head_dim; }
  [[nodiscard]] std::int64_t row_offset(std::int64_t row, std::int64_t head) const {
    return row * row_stride() + head * shape().head_dim;
  }
  // Whether the scale is a power of two, as for 16, 64 or 256 dimensions. It may then be multiplied into the
  // queries, which changes no bit of a score and saves a multiplication per score.
  [[nodiscard]] bool scales_queries() const {
    int exponent = 0;
    return std::frexp(call.scale, &exponent) == 0.5F;
  }
  // The scale of scores with queries from copy_query().
  [[nodiscard]] float score_scale() const { return scales_queries() ? 1 : call.scale; }
  void copy_query(std::int64_t row, std::int64_t head, float* to) const {
    const float* const q = call.q + row_offset(row, head);
    const float factor = scales_queries() ? call.scale : 1;
    for (std::int64_t i = 0; i < head_dim(); ++i)
      to[i] = q[i] * factor;
  }
  [[nodiscard]] bool want_lost_mass() const { return listeners.counts != nullptr && listeners.lost_mass; }
  // Whether the exponentials of dropped keys are summed. Where a prefilter avoids reading them, calibrated
  // SDC supplies the lost mass.
  [[nodiscard]] bool want_dropped() const {
    const Policy& asked = policy.policy();
    if (asked.sdc == Sdc::exact) return true;
    return want_lost_mass() && !(asked.sdc == Sdc::calibrated && asked.prefilter != Prefilter::none);
  }
  [[nodiscard]] LostMass lost_mass() const {
    if (!want_lost_mass()) return LostMass::none;
    return want_dropped() ? LostMass::summed : LostMass::estimated;
  }
};

// What the prefilters know about tiles of keys, as far as a call may use it.
class TilePrefilter {
 public:
  // `scratch` must be the one that attend_tile() uses: it counts, from now on, how often skipping helped.
  TilePrefilter(const Job& job, std::int64_t kv_head, TileScratch& scratch);
  ~TilePrefilter();
  TilePrefilter(const TilePrefilter&) = delete;
  TilePrefilter& operator=(const TilePrefilter&) = delete;
  // Codes the queries, where codes are used.
  void code(const TileQueries& queries, std::int64_t rows, QueryCodes& codes) const;
  // What may be used for a tile whose keys begin at `first`; `codes` must outlive the result.
  TileIndex index(std::int64_t first, const QueryCodes& codes);

 private:
  // Whether they have so far saved more than they cost.
  [[nodiscard]] bool bounds_pay() const;
  [[nodiscard]] bool codes_pay() const;

  KeyIndex* index_ = nullptr;
  const TileScratch& scratch_;
  std::int64_t head_ = 0;
  std::int64_t head_dim_ = 0;
  bool codes_ = false;
  bool bounds_ = false;
  bool only_if_it_pays_ = false;
  bool one_row_ = false;
};

// scores[r][j] = scale * (q_r . k_j), soft-capped, for `rows` queries, q_stride floats apart, and the `count`
// keys from `first` (a multiple of kKeyBlock) on, in whole blocks. Queries and keys have the precision that
// the cache prescribes, so every path through a call gets the same scores.
struct KeyScores {
  std::int64_t kv_head = 0;
  std::int64_t first = 0;
  std::int64_t count = 0;
  const float* q = nullptr;
  std::int64_t rows = 0;
  std::int64_t q_stride = 0;
  float scale = 1;
  float* scores = nullptr;
  std::int64_t score_stride = 0;
};
void score_keys(const Job& job, const KeyScores& work);
// Rounds q to bfloat16 in place, and also writes it to `halves`, which grows if it must.
void round_queries(std::span<float> q, std::vector<std::uint16_t>& halves);

// Sums of V over the keys that each row of the tile sees: [rows][head_dim].
void tile_value_sums(const Job& job, std::int64_t kv_head, std::int64_t tile, std::vector<double>& sums);

// Reports what the heads of a KV group keep in some rows: `bits` [group heads][words]; rows.bits is not used.
void report_kept(const Job& job, std::int64_t kv_head, const KeptPositions& rows,
                 std::span<const std::uint64_t> bits);
// Reports the counts in row order; all: [KV heads][tiles].
void report_counts(const Job& job, const std::vector<TileCounts>& all);

// Sends every row's scores to the listener, head by head in row order. Attention computes the same with or
// without a listener.
void observe_scores(const Job& job);

// Full rows of scores, one row at a time: supports every policy and head size.
void attend_by_rows(const Job& job);
// Dense attention and pre-softmax top-theta: tiles of rows against tiles of keys, in one pass over K.
void attend_by_tiles(const Job& job);
// The same for a single row, also parallel over keys; gives the same bytes as attend_by_tiles().
void attend_one_row(const Job& job);
// Policies with a RowSelector.
void attend_by_units(const Job& job);
// Running-softmax placement without positions that are always kept: tiles of rows against tiles of keys, in
// one pass.
void attend_by_running_tiles(const Job& job);
// Policies that need a whole row before they know what to keep: top-k, post-softmax placement, cap-k.
void attend_by_lists(const Job& job);

}  // namespace toptheta
