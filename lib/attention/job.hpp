// A call of attend() with all that its pieces share, and the ways through it. Every way gives a row the same
// kept set, and the same weights to rounding.
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

// What a tile of rows of one KV group found out, kept apart until all tiles are done so that totals are added
// up in row order whatever thread ran which tile.
struct TileCounts {
  std::vector<HeadCount> rows;           // [group heads][tile rows]
  std::int64_t words = 0;                // of a head's bits
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
  std::int64_t first_tile_lacks = 0;  // rows, where tiles begin at multiples of row_tile among positions

  [[nodiscard]] const ModelShape& shape() const { return cache.shape(); }
  [[nodiscard]] std::int64_t head_dim() const { return shape().head_dim; }
  [[nodiscard]] std::int64_t group_heads() const { return shape().num_heads / shape().num_kv_heads; }
  // Tiles of at most so many rows; where tiles of scores are counted, none that belongs to two rows of them.
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
  // Of the call.
  [[nodiscard]] std::int64_t first_row(std::int64_t tile) const {
    return std::max<std::int64_t>(tile * row_tile - first_tile_lacks, 0);
  }
  [[nodiscard]] std::int64_t tile_rows(std::int64_t tile) const {
    return std::min(call.rows, (tile + 1) * row_tile - first_tile_lacks) - first_row(tile);
  }
  // Position of the tile's first row.
  [[nodiscard]] std::int64_t tile_position(std::int64_t tile) const {
    return call.first_position + first_row(tile);
  }
  // Keys that the tile's last row sees.
  [[nodiscard]] std::int64_t tile_keys(std::int64_t tile) const {
    return tile_position(tile) + tile_rows(tile);
  }
  // The first key that the query at `position` sees, and how many it sees: n.
  [[nodiscard]] std::int64_t first_key(std::int64_t position) const {
    return call.arithmetic.first_key(position);
  }
  [[nodiscard]] std::int64_t row_length(std::int64_t position) const {
    return position + 1 - first_key(position);
  }
  // The rule of a head's row.
  [[nodiscard]] RowRule rule(std::int64_t head, std::int64_t position) const {
    RowRule result =
        row_rule(policy, call.layer, head, {first_key(position), row_length(position)}, sink(head));
    // A decode step has the whole denominator before anything is compared.
    if (result.placement == Placement::running_softmax && listeners.is_decode())
      result.placement = Placement::post_softmax;
    return result;
  }
  // The parts that rows are attended in.
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
  // Tiles of keys of which a row sees only a part are read from this key on: the first that is seen, in whole
  // words of marks.
  [[nodiscard]] static std::int64_t first_read(std::int64_t first_key, std::int64_t tile_first) {
    return tile_first + std::max<std::int64_t>(first_key - tile_first, 0) / 64 * 64;
  }
  // The threshold for scores before they are capped.
  [[nodiscard]] float theta_before_cap(float theta) const {
    const float cap = call.arithmetic.soft_cap;
    return cap > 0 ? before_soft_cap(theta, cap) : theta;
  }
  // Elements from one row of q and out to the next, and where a row of a head begins.
  [[nodiscard]] std::int64_t row_stride() const { return shape().num_heads * shape().head_dim; }
  [[nodiscard]] std::int64_t row_offset(std::int64_t row, std::int64_t head) const {
    return row * row_stride() + head * shape().head_dim;
  }
  // A scale that is a power of two, as that of 16, 64 or 256 dimensions is, changes no bit of a score where
  // it is multiplied into the query instead: then scores, of which there are far more, take no product for
  // it.
  [[nodiscard]] bool scales_queries() const {
    int exponent = 0;
    return std::frexp(call.scale, &exponent) == 0.5F;
  }
  // The scale of scores with queries that copy_query gave.
  [[nodiscard]] float score_scale() const { return scales_queries() ? 1 : call.scale; }
  void copy_query(std::int64_t row, std::int64_t head, float* to) const {
    const float* const q = call.q + row_offset(row, head);
    const float factor = scales_queries() ? call.scale : 1;
    for (std::int64_t i = 0; i < head_dim(); ++i)
      to[i] = q[i] * factor;
  }
  [[nodiscard]] bool want_lost_mass() const { return listeners.counts != nullptr && listeners.lost_mass; }
  // Whether the exponentials of dropped keys are summed up. Where a prefilter is to spare reading them,
  // calibrated SDC stands in for the lost mass.
  [[nodiscard]] bool want_dropped() const {
    const Policy& asked = policy.policy();
    if (asked.sdc == Sdc::exact) return true;
    return want_lost_mass() && !(asked.sdc == Sdc::calibrated && asked.prefilter != Prefilter::none);
  }
  [[nodiscard]] LostMass lost_mass() const {
    if (!want_lost_mass()) return LostMass::none;
    return want_dropped() ? LostMass::summed : LostMass::estimated;
  }
  // Whether V rows are counted step by step.
  [[nodiscard]] bool counts_steps() const {
    return listeners.counts != nullptr && listeners.counts->phase() == Phase::decode;
  }
};

// What the prefilters know of a tile of keys, as a call may use it.
class TilePrefilter {
 public:
  // `scratch`, which attend_tile is given as well, tells how often skipping helped, and counts from here.
  TilePrefilter(const Job& job, std::int64_t kv_head, TileScratch& scratch);
  ~TilePrefilter();
  TilePrefilter(const TilePrefilter&) = delete;
  TilePrefilter& operator=(const TilePrefilter&) = delete;
  // Codes of the queries, where they are needed.
  void code(const TileQueries& queries, std::int64_t rows, QueryCodes& codes) const;
  // What may be used for a tile whose keys begin at `first`; `codes` must live as long as it.
  TileIndex index(std::int64_t first, const QueryCodes& codes);

 private:
  // Whether so far they rule out what they cost, and more.
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

// scores[r][j] = scale * (q_r . k_j) of `rows` queries, q_stride floats apart, and the `count` keys from
// `first` on (a multiple of kKeyBlock), in whole blocks, as the cache would have them multiplied: every way
// through a call gets the same scores.
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
// Rounds q to bfloat16 in place, and into `halves` as well, which grows where it must.
void round_queries(std::span<float> q, std::vector<std::uint16_t>& halves);

// Sums of V over the keys that each of the tile's rows sees: [rows][head_dim].
void tile_value_sums(const Job& job, std::int64_t kv_head, std::int64_t tile, std::vector<double>& sums);

// Hands on what the heads of a KV group keep in some rows: `bits` [group heads][words], `rows` without bits.
void report_kept(const Job& job, std::int64_t kv_head, const KeptPositions& rows,
                 std::span<const std::uint64_t> bits);
// Hands the counts on in row order; all: [KV heads][tiles].
void report_counts(const Job& job, const std::vector<TileCounts>& all);

// Shows the listener every row's scores, head by head in row order. What attention then does is the same
// whether somebody listens or not.
void observe_scores(const Job& job);

// Full rows of scores, one row at a time: serves every policy and head size.
void attend_by_rows(const Job& job);
// Dense, and top-theta before the softmax: tiles of rows over tiles of keys, one pass over K.
void attend_by_tiles(const Job& job);
// The same for a single row, parallel over keys too; same bytes as attend_by_tiles.
void attend_one_row(const Job& job);
// Policies with a RowSelector.
void attend_by_units(const Job& job);
// Running-softmax placement where rows keep nothing in any case: tiles of rows over tiles of keys, one pass.
void attend_by_running_tiles(const Job& job);
// Policies that need a whole row before they know what is kept: top-k, post-softmax placement, cap-k.
void attend_by_lists(const Job& job);

}  // namespace toptheta
