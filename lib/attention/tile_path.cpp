// Prefill of dense attention and of top-theta before the softmax: rows pass by the tiles of keys once, and
// nothing but the row's sums is left behind.
#include <algorithm>

#include "attention/finish_row.hpp"
#include "attention/job.hpp"
#include "core/parallel.hpp"
#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

namespace {

// A pass takes some tiles of rows along the tiles of keys together: a tile of keys and V comes from memory,
// or from the last cache, once for all of them.
constexpr std::int64_t kPassTiles = 4;
constexpr std::int64_t kPassRows = kPassTiles * kTileRows;

// Memory of a thread, kept from pass to pass.
struct Scratch {
  TileScratch tile;
  QueryCodes codes[kPassTiles];
  // [kPassRows][head_dim] q side by side: rows of a call lie apart by all heads, which may put them all into
  // a few sets of the first-level cache.
  std::vector<float> q;
  std::vector<std::uint16_t> q_bf16;  // the same where the cache rounds queries
  std::vector<float> out;             // [kPassRows][head_dim]
  std::vector<double> value_sums;
  std::vector<float> wide_keys;  // [kTileKeys * head_dim] where the cache holds fewer bits
  std::vector<float> wide_values;
  // The rows of a pass, as one head sees them.
  RowRule rules[kPassRows];
  float theta[kPassRows];  // -infinity where everything is kept
  float theta_before_cap[kPassRows];
  RowState states[kPassRows];
  TileView view;
};

// Returns whether all rows keep everything.
bool prepare(const Job& job, std::int64_t head, std::int64_t pass, Scratch& rows) {
  bool all_dense = true;
  for (std::int64_t r = 0; r < job.tile_rows(pass); ++r) {
    rows.rules[r] = job.rule(head, job.tile_position(pass) + r);
    const bool dense = rows.rules[r].selection == Selection::dense;
    rows.theta[r] = dense ? -std::numeric_limits<float>::infinity() : rows.rules[r].theta;
    rows.theta_before_cap[r] = job.theta_before_cap(rows.theta[r]);
    rows.states[r] = {};
    all_dense = all_dense && dense;
  }
  return all_dense;
}

TileQueries queries_of(const Job& job, std::int64_t first_row, const Scratch& scratch) {
  const std::int64_t at = first_row * job.head_dim();
  return {scratch.q.data() + at, job.head_dim(),
          job.cache.rounds_queries() ? scratch.q_bf16.data() + at : nullptr};
}

// The rows from `first_row` on, without keys.
AttentionTile row_tile(const Job& job, std::int64_t pass, std::int64_t first_row, const Scratch& scratch) {
  return {.queries = queries_of(job, first_row, scratch),
          .rows = std::min(kTileRows, job.tile_rows(pass) - first_row),
          .head_dim = job.head_dim(),
          .scale = job.score_scale(),
          .soft_cap = job.call.arithmetic.soft_cap,
          .visible = scratch.view.visible,
          .hidden = scratch.view.hidden,
          // Or from the last-level cache, where fetching ahead pays as well.
          .from_memory = first_row == 0};
}

TileThresholds thresholds_of(const Job& job, std::int64_t first_row, const Scratch& scratch) {
  return {scratch.theta + first_row, scratch.theta_before_cap + first_row, job.want_dropped(),
          job.policy.policy().sdc == Sdc::offline};
}

// A tile of keys as the cache holds it, from the first one that a row of the pass sees, in whole words of
// marks.
struct KeyTile {
  std::int64_t first = 0;
  TileKeys keys{};  // of 16 bits where queries are rounded too, else widened
  const float* values = nullptr;

  // The keys from position `skip` of the tile on.
  [[nodiscard]] TileKeys keys_from(std::int64_t skip, std::int64_t head_dim) const {
    if (const auto* const narrow = std::get_if<NarrowKeys>(&keys)) return narrow->from(skip, head_dim);
    return std::get<const float*>(keys) + skip * head_dim;
  }
};

KeyTile key_tile(const Job& job, std::int64_t kv_head, std::int64_t pass, std::int64_t tile_first,
                 Scratch& scratch) {
  const std::int64_t layer = job.call.layer;
  KeyTile tile{.first = job.first_read(job.tile_first_key(pass), tile_first)};
  const std::int64_t count = std::min(tile_first + kTileKeys, job.tile_keys(pass)) - tile.first;
  if (job.cache.rounds_queries())
    tile.keys = job.cache.narrow_keys(layer, kv_head, tile.first);
  else
    tile.keys = job.cache.wide_keys(layer, kv_head, tile.first, count, scratch.wide_keys);
  tile.values = job.cache.wide_values(layer, kv_head, tile.first, count, scratch.wide_values);
  return tile;
}

// What the rows of a tile, from the pass's row first_row on, see of a part of a tile of keys that begins at
// `tile_first`; false where that is nothing.
bool see_tile(const Job& job, std::int64_t pass, std::int64_t first_row, RowPart part,
              std::int64_t tile_first, const KeyTile& keys, AttentionTile& work, Scratch& scratch) {
  TileView& view = scratch.view;
  const auto seen = [&](std::int64_t r) {
    return job.keys_of(scratch.rules[first_row + r], job.tile_position(pass) + first_row + r, part);
  };
  view_tile(tile_first, work.rows, seen, view);
  if (view.count == 0) return false;
  const std::int64_t skip = view.first - keys.first;
  work.num_keys = view.count;
  work.keys = keys.keys_from(skip, work.head_dim);
  work.values = keys.values + skip * work.head_dim;
  return true;
}

// The rows' pass along all keys that they see.
void attend_keys(const Job& job, std::int64_t head, std::int64_t pass, bool all_dense, TileCounts* counts,
                 Scratch& scratch) {
  const std::int64_t kv_head = head / job.group_heads();
  const std::int64_t tiles = (job.tile_rows(pass) + kTileRows - 1) / kTileRows;
  TilePrefilter prefilter(job, kv_head, scratch.tile);
  AttentionTile works[kPassTiles];
  for (std::int64_t i = 0; i < tiles; ++i) {
    works[i] = row_tile(job, pass, i * kTileRows, scratch);
    prefilter.code(works[i].queries, works[i].rows, scratch.codes[i]);
  }
  const std::int64_t first_tile = job.tile_first_key(pass) / kTileKeys * kTileKeys;
  for (std::int64_t first = first_tile; first < job.tile_keys(pass); first += kTileKeys) {
    const KeyTile keys = key_tile(job, kv_head, pass, first, scratch);
    for (std::int64_t i = 0; i < tiles; ++i) {
      AttentionTile& work = works[i];
      TileSums sums{scratch.states + i * kTileRows, scratch.out.data() + i * kTileRows * job.head_dim()};
      for (const RowPart part : job.parts()) {
        if (!see_tile(job, pass, i * kTileRows, part, first, keys, work, scratch)) continue;
        if (counts != nullptr)
          sums.kept_union = counts->bits(head % job.group_heads()).data() + scratch.view.first / 64;
        work.chosen.reset();
        work.index = {};
        if (part == RowPart::chosen && !all_dense) {
          work.chosen = thresholds_of(job, i * kTileRows, scratch);
          work.index = prefilter.index(scratch.view.first, scratch.codes[i]);
        }
        attend_tile(work, sums, scratch.tile);
      }
    }
  }
}

void attend_head(const Job& job, std::int64_t head, std::int64_t pass, TileCounts* counts, Scratch& scratch) {
  const std::int64_t dim = job.head_dim();
  const std::int64_t count = job.tile_rows(pass);
  std::fill_n(scratch.out.begin(), count * dim, 0.0F);
  for (std::int64_t r = 0; r < count; ++r)
    job.copy_query(job.first_row(pass) + r, head, scratch.q.data() + r * dim);
  if (job.cache.rounds_queries())
    round_queries({scratch.q.data(), static_cast<std::size_t>(count * dim)}, scratch.q_bf16);
  attend_keys(job, head, pass, prepare(job, head, pass, scratch), counts, scratch);
  for (std::int64_t r = 0; r < count; ++r) {
    float* const out = job.call.out + job.row_offset(job.first_row(pass) + r, head);
    std::copy_n(scratch.out.begin() + r * dim, dim, out);
    const std::size_t at = static_cast<std::size_t>(r * dim);
    const auto width = static_cast<std::size_t>(dim);
    const std::span<const double> value_sum =
        job.policy.policy().vmc ? std::span<const double>(scratch.value_sums).subspan(at, width)
                                : std::span<const double>();
    const HeadCount row = finish_row(scratch.rules[r], job.row_length(job.tile_position(pass) + r),
                                     scratch.states[r], job.lost_mass(), value_sum, {out, width});
    if (counts != nullptr) counts->rows.push_back(row);
  }
}

void attend_group_pass(const Job& job, std::int64_t kv_head, std::int64_t pass, TileCounts* counts) {
  thread_local Scratch scratch;
  const auto size = static_cast<std::size_t>(kPassRows * job.head_dim());
  if (scratch.out.size() < size) {
    scratch.q.resize(size);
    scratch.out.resize(size);
  }
  if (job.policy.policy().vmc) tile_value_sums(job, kv_head, pass, scratch.value_sums);
  if (counts != nullptr) {
    // Whole tiles of keys, which is what the kernel marks.
    counts->reset(job.group_heads(), (job.tile_keys(pass) + kTileKeys - 1) / kTileKeys * kTileKeys);
    counts->rows.reserve(static_cast<std::size_t>(job.group_heads() * job.tile_rows(pass)));
  }
  for (std::int64_t h = 0; h < job.group_heads(); ++h)
    attend_head(job, kv_head * job.group_heads() + h, pass, counts, scratch);
}

}  // namespace

void attend_by_tiles(const Job& call) {
  Job job = call;
  job.choose_row_tile(kPassRows);
  const std::int64_t tiles = job.tiles();
  const std::int64_t groups = job.shape().num_kv_heads;
  const bool counting = job.listeners.counts != nullptr;
  std::vector<TileCounts> counts(counting ? static_cast<std::size_t>(groups * tiles) : 0);
  // The longest rows first: what is left over at the end is short.
  parallel_for(groups * tiles, [&](std::int64_t i) {
    const std::int64_t group = i % groups;
    const std::int64_t tile = tiles - 1 - i / groups;
    attend_group_pass(job, group, tile,
                      counting ? &counts[static_cast<std::size_t>(group * tiles + tile)] : nullptr);
  });
  if (counting) report_counts(job, counts);
}

}  // namespace toptheta
