#include "attention/attention.hpp"

#include <algorithm>
#include <cmath>

#include "attention/job.hpp"
#include "attention/output_error.hpp"
#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

namespace {

// Whether each key of a row can be decided before the rest of the row is known.
bool decides_key_by_key(const Policy& policy) {
  if (policy.selection == Selection::dense) return true;
  return policy.selection == Selection::theta && policy.placement == Placement::pre_softmax && !policy.cap_k;
}

// Rows [first, last) of a call.
void attend_part(std::int64_t first, std::int64_t last, AttentionCall call, KvCache& cache,
                 const ResolvedPolicy& policy, const AttentionListeners& listeners) {
  if (first >= last) return;
  const std::int64_t skipped = first * cache.shape().num_heads * cache.shape().head_dim;
  call.first_position += first;
  call.rows = last - first;
  call.q += skipped;
  call.out += skipped;
  attend(call, cache, policy, listeners);
}

// Divides the call into up to three parts: the rows that are dense whatever the policy, and those before and
// after.
void attend_in_parts(const AttentionCall& call, KvCache& cache, const ResolvedPolicy& policy,
                     AttentionListeners listeners) {
  const auto row_of = [&](std::int64_t position) {
    return std::clamp<std::int64_t>(position - call.first_position, 0, call.rows);
  };
  const std::int64_t from = row_of(listeners.dense_from);
  const std::int64_t to = row_of(listeners.dense_to);
  listeners.dense_from = listeners.dense_to = 0;
  attend_part(0, from, call, cache, policy, listeners);
  attend_part(from, to, call, cache, dense_policy(cache.shape()), listeners);
  attend_part(to, call.rows, call, cache, policy, listeners);
}

// Whether no score can overflow on the way or be NaN, which the tiles and lists assume. Other calls take the
// row path, which checks every row.
bool scores_are_finite(const Job& job) {
  float largest_key = 0;
  for (std::int64_t g = 0; g < job.shape().num_kv_heads; ++g)
    largest_key = std::max(largest_key, job.cache.key_bound(job.call.layer, g));
  const RowRange range = row_range({job.call.q, static_cast<std::size_t>(job.call.rows * job.row_stride())});
  if (!range.finite) return false;
  constexpr double kMost = 1e37;  // well below the largest float, 3.4e38
  const double bound = static_cast<double>(job.head_dim()) * static_cast<double>(largest_key) *
                       static_cast<double>(std::max(range.largest, -range.smallest));
  return bound < kMost && bound * std::abs(static_cast<double>(job.call.scale)) < kMost;
}

// Whether the call goes tile by tile along a running softmax.
bool runs_by_tiles(const Job& job) {
  const Policy& policy = job.policy.policy();
  return policy.selection == Selection::theta && policy.placement == Placement::running_softmax &&
         !job.listeners.is_decode() && !policy.cap_k && policy.keep_first == 0 && policy.keep_recent == 0;
}

}  // namespace

void attend(const AttentionCall& call, KvCache& cache, const ResolvedPolicy& policy,
            const AttentionListeners& listeners) {
  if (listeners.output_error) return attend_beside_dense(call, cache, policy, listeners);
  const std::int64_t end = call.first_position + call.rows;
  if (std::max(listeners.dense_from, call.first_position) < std::min(listeners.dense_to, end))
    return attend_in_parts(call, cache, policy, listeners);
  const Job job{call, cache, policy, listeners};
  if (listeners.scores != nullptr) observe_scores(job);
  if (policy.policy().selection == Selection::rows) return attend_by_units(job);
  if (!tiles_serve(job.head_dim()) || !scores_are_finite(job)) return attend_by_rows(job);
  if (runs_by_tiles(job)) return attend_by_running_tiles(job);
  if (!decides_key_by_key(policy.policy())) return attend_by_lists(job);
  if (call.rows == 1) return attend_one_row(job);
  attend_by_tiles(job);
}

namespace {

// A shorter sequence comes from a cache rather than from memory, and codes save nothing in decode.
constexpr std::int64_t kLeastKeys = 4 * kTileKeys;

constexpr std::int64_t kPagesOfTile = kTileKeys / kPageKeys;

// Whether codes save time in decode if this share of the keys are candidates. Candidates are read row by row,
// at less than half the rate of contiguous memory, and scored one by one.
bool candidates_pay(float share) {
  return share <= 1.0F / 7;
}

}  // namespace

TilePrefilter::TilePrefilter(const Job& job, std::int64_t kv_head, TileScratch& scratch)
    : scratch_(scratch),
      head_(job.call.layer * job.shape().num_kv_heads + kv_head),
      head_dim_(job.head_dim()) {
  scratch.pages_seen = scratch.pages_skipped = 0;
  scratch.keys_seen = scratch.keys_saved = 0;
  scratch.positions_seen = scratch.positions_left = 0;
  const Policy& policy = job.policy.policy();
  const std::int64_t keys = job.row_length(job.call.first_position + job.call.rows - 1);
  std::int64_t smallest = kDenseK;
  std::int64_t largest = 0;
  for (std::int64_t i = 0; i < job.group_heads(); ++i) {
    const std::int64_t k = job.policy.k(job.call.layer, kv_head * job.group_heads() + i);
    smallest = std::min(smallest, k);
    largest = std::max(largest, k);
  }
  if (policy.selection != Selection::theta || policy.prefilter == Prefilter::none || smallest >= keys) return;
  index_ = &job.cache.index();
  only_if_it_pays_ = policy.prefilter == Prefilter::automatic;
  one_row_ = job.call.rows == 1;
  codes_ = index_->has_codes() && policy.prefilter != Prefilter::page;
  if (codes_ && only_if_it_pays_ && one_row_) {
    // A single row ends before it shows whether codes pay, so the steps before it decide. Now and then codes
    // are tried again.
    const bool try_again = (job.call.first_position + 1) % 64 == 1;
    codes_ = keys >= kLeastKeys && largest <= keys / 10 &&
             (try_again || candidates_pay(index_->candidate_share(head_)));
  }
  // In decode, bounds hardly ever pay where codes do not, and runs are too short to find out.
  bounds_ = index_->has_bounds() && policy.prefilter != Prefilter::int8 && !(only_if_it_pays_ && one_row_);
  if (!only_if_it_pays_ || one_row_) return;
  // The bounds of real keys rule out hardly anything, and not every row needs to find that out again.
  const PrefilterWorth worth = index_->ask_worth(head_);
  bounds_ = bounds_ && worth.bounds;
  codes_ = codes_ && worth.codes;
}

TilePrefilter::~TilePrefilter() {
  if (one_row_ && scratch_.positions_seen > 0)
    index_->note_candidate_share(head_, scratch_.candidate_share());
  if (!only_if_it_pays_ || one_row_) return;
  if (scratch_.pages_seen >= kPagesOfTile) index_->note_bounds_worth(head_, bounds_pay());
  if (scratch_.keys_seen >= kTileRows * kTileKeys) index_->note_codes_worth(head_, codes_pay());
}

bool TilePrefilter::bounds_pay() const {
  // Bounds cost a sixteenth of the scores, which is a quarter of the codes.
  return scratch_.pages_skipped * (codes_ ? 3 : 8) >= scratch_.pages_seen;
}

bool TilePrefilter::codes_pay() const {
  // Codes cost up to a quarter of the scores.
  return scratch_.keys_saved * 4 >= scratch_.keys_seen;
}

void TilePrefilter::code(const TileQueries& queries, std::int64_t rows, QueryCodes& codes) const {
  if (codes_) code_queries(queries.rows, rows, queries.stride, head_dim_, index_->sum_width(), codes);
}

// Which tiles are tested does not affect any result.
TileIndex TilePrefilter::index(std::int64_t first, const QueryCodes& codes) {
  if (only_if_it_pays_) {
    if (scratch_.pages_seen >= 2 * kPagesOfTile && !bounds_pay()) bounds_ = false;
    // A few tiles may differ from most.
    constexpr std::int64_t kEnough = 8 * kTileRows * kTileKeys;
    if (scratch_.keys_seen >= kEnough && !codes_pay()) codes_ = false;
    if (one_row_ && !candidates_pay(scratch_.candidate_share())) codes_ = false;
  }
  TileIndex tile;
  if (bounds_) tile.bounds = index_->bounds(head_, first);
  if (codes_) tile.codes = TileCodes{index_->codes(head_, first), &codes, index_->rows(head_, first)};
  return tile;
}

namespace {

// Subtracts from the sums what lies before the window of each of the tile's rows.
void take_off_unseen(const Job& job, std::int64_t kv_head, std::int64_t tile, std::vector<double>& sums) {
  const auto dim = static_cast<std::size_t>(job.head_dim());
  const std::int64_t rows = job.tile_rows(tile);
  const std::int64_t first = job.tile_first_key(tile);
  const std::int64_t last = job.first_key(job.tile_position(tile) + rows - 1);
  if (last == 0) return;
  std::vector<double> unseen(dim);
  job.cache.value_sum(job.call.layer, kv_head, first, unseen);
  thread_local std::vector<float> wide;
  const float* const values = job.cache.wide_values(job.call.layer, kv_head, first, last - first, wide);
  std::int64_t key = first;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (; key < job.first_key(job.tile_position(tile) + r); ++key)
      for (std::size_t i = 0; i < dim; ++i)
        unseen[i] += static_cast<double>(values[static_cast<std::size_t>(key - first) * dim + i]);
    for (std::size_t i = 0; i < dim; ++i)
      sums[static_cast<std::size_t>(r) * dim + i] -= unseen[i];
  }
}

}  // namespace

void tile_value_sums(const Job& job, std::int64_t kv_head, std::int64_t tile, std::vector<double>& sums) {
  const auto dim = static_cast<std::size_t>(job.head_dim());
  const std::int64_t first = job.tile_position(tile);
  const auto rows = static_cast<std::size_t>(job.tile_rows(tile));
  sums.resize(rows * dim);
  job.cache.value_sum(job.call.layer, kv_head, first, {sums.data(), dim});
  thread_local std::vector<float> wide;
  const float* const values =
      job.cache.wide_values(job.call.layer, kv_head, first, job.tile_rows(tile), wide);
  for (std::size_t r = 0; r < rows; ++r) {
    double* const sum = sums.data() + r * dim;
    const double* const before = r == 0 ? sum : sum - dim;
    for (std::size_t i = 0; i < dim; ++i)
      sum[i] = before[i] + static_cast<double>(values[r * dim + i]);
  }
  take_off_unseen(job, kv_head, tile, sums);
}

void report_kept(const Job& job, std::int64_t kv_head, const KeptPositions& rows,
                 std::span<const std::uint64_t> bits) {
  SequenceCounts& to = *job.listeners.counts;
  const std::size_t words = bits.size() / static_cast<std::size_t>(job.group_heads());
  std::vector<std::uint64_t> together(words, 0);
  for (std::int64_t h = 0; h < job.group_heads(); ++h) {
    KeptPositions of_head = rows;
    of_head.bits = bits.subspan(static_cast<std::size_t>(h) * words, words);
    to.add_kept(job.call.layer, kv_head * job.group_heads() + h, of_head);
    for (std::size_t w = 0; w < words; ++w)
      together[w] |= of_head.bits[w];
  }
  // V rows are counted against the keys that a decode step sees, or against those of the whole prefill.
  to.add_group(job.call.layer, kv_head, together,
               to.phase() == Phase::decode ? rows.end - rows.first_key : rows.end);
}

void report_counts(const Job& job, const std::vector<TileCounts>& all) {
  for (std::int64_t kv_head = 0; kv_head < job.shape().num_kv_heads; ++kv_head) {
    for (std::int64_t tile = 0; tile < job.tiles(); ++tile) {
      const TileCounts& counts = all[static_cast<std::size_t>(kv_head * job.tiles() + tile)];
      report_kept(job, kv_head,
                  {.position = job.tile_position(tile),
                   .first_key = job.tile_first_key(tile),
                   .end = job.tile_keys(tile)},
                  counts.kept_bits);
      const std::int64_t rows = job.tile_rows(tile);
      for (std::size_t i = 0; i < counts.rows.size(); ++i) {
        const std::int64_t head = kv_head * job.group_heads() + static_cast<std::int64_t>(i) / rows;
        job.listeners.counts->add_row(job.call.layer, head, counts.rows[i]);
      }
    }
  }
}

}  // namespace toptheta
