// Prefill of dense attention and of top-theta before the softmax: a tile of rows passes by the tiles of keys
// once, and nothing but the row's sums is left behind.
#include <algorithm>

#include "attention/finish_row.hpp"
#include "attention/job.hpp"
#include "core/parallel.hpp"
#include "kernels/attention_tiles.hpp"

namespace toptheta {

namespace {

// Memory of a thread, kept from tile to tile.
struct Scratch {
  TileScratch tile;
  std::vector<float> out;   // [kTileRows][head_dim]
  std::vector<float> sums;  // the same, of one tile of keys
  std::vector<double> value_sums;
};

// The rows of a tile, as one head sees them.
struct HeadTile {
  RowRule rules[kTileRows];
  float theta[kTileRows];  // -infinity where everything is kept
  RowState states[kTileRows];
  bool all_dense = true;
};

void prepare(const Job& job, std::int64_t head, std::int64_t tile, HeadTile& rows) {
  rows.all_dense = true;
  for (std::int64_t r = 0; r < job.tile_rows(tile); ++r) {
    rows.rules[r] = row_rule(job.policy, job.call.layer, head, job.tile_position(tile) + r + 1);
    const bool dense = rows.rules[r].selection == Selection::dense;
    rows.theta[r] = dense ? -std::numeric_limits<float>::infinity() : rows.rules[r].theta;
    rows.states[r] = {};
    rows.all_dense = rows.all_dense && dense;
  }
}

void attend_head_tile(const Job& job, std::int64_t head, std::int64_t tile, TileCounts* counts,
                      Scratch& scratch) {
  thread_local HeadTile rows;
  prepare(job, head, tile, rows);
  const std::int64_t dim = job.head_dim();
  const std::int64_t count = job.tile_rows(tile);
  const std::int64_t kv_head = head / job.group_heads();
  const float* const keys = job.cache.keys(job.call.layer, kv_head);
  const float* const values = job.cache.values(job.call.layer, kv_head);
  std::fill_n(scratch.out.begin(), count * dim, 0.0F);
  std::int32_t visible[kTileRows];
  AttentionTile work{.q = job.call.q + job.row_offset(tile * job.row_tile, head),
                     .q_stride = job.row_stride(),
                     .rows = count,
                     .head_dim = dim,
                     .scale = job.call.scale,
                     .visible = visible,
                     .theta = rows.all_dense ? nullptr : rows.theta,
                     .want_dropped = job.want_lost_mass() || job.policy.policy().sdc == Sdc::exact,
                     .from_memory = true,  // or from the last-level cache, where fetching ahead pays as well
                     .states = rows.states,
                     .out = scratch.out.data(),
                     .sums = scratch.sums.data()};
  TilePrefilter prefilter(job, kv_head);
  prefilter.begin(work, scratch.tile);
  for (std::int64_t first = 0; first < job.tile_keys(tile); first += kTileKeys) {
    work.num_keys = std::min(kTileKeys, job.tile_keys(tile) - first);
    work.keys = keys + first * dim;
    work.values = values + first * dim;
    for (std::int64_t r = 0; r < count; ++r)
      visible[r] = static_cast<std::int32_t>(
          std::clamp<std::int64_t>(job.tile_position(tile) + r + 1 - first, 0, kTileKeys));
    if (counts != nullptr) work.kept_union = counts->kept_bits.data() + first / 64;
    prefilter.use(first, scratch.tile, work);
    attend_tile(work, scratch.tile);
  }
  for (std::int64_t r = 0; r < count; ++r) {
    float* const out = job.call.out + job.row_offset(tile * job.row_tile + r, head);
    std::copy_n(scratch.out.begin() + r * dim, dim, out);
    const std::size_t at = static_cast<std::size_t>(r * dim);
    const auto width = static_cast<std::size_t>(dim);
    const std::span<const double> value_sum =
        job.policy.policy().vmc ? std::span<const double>(scratch.value_sums).subspan(at, width)
                                : std::span<const double>();
    const HeadCount row = finish_row(rows.rules[r], job.tile_position(tile) + r + 1, rows.states[r],
                                     job.want_lost_mass(), value_sum, {out, width});
    if (counts != nullptr) counts->rows.push_back(row);
  }
}

void attend_group_tile(const Job& job, std::int64_t kv_head, std::int64_t tile, TileCounts* counts) {
  thread_local Scratch scratch;
  const auto size = static_cast<std::size_t>(kTileRows * job.head_dim());
  if (scratch.out.size() < size) {
    scratch.out.resize(size);
    scratch.sums.resize(size);
  }
  if (job.policy.policy().vmc) tile_value_sums(job, kv_head, tile, scratch.value_sums);
  if (counts != nullptr) {
    // Whole tiles of keys, which is what the kernel marks.
    counts->kept_bits.assign(
        static_cast<std::size_t>((job.tile_keys(tile) + kTileKeys - 1) / kTileKeys * (kTileKeys / 64)), 0);
    counts->rows.reserve(static_cast<std::size_t>(job.group_heads() * job.tile_rows(tile)));
  }
  for (std::int64_t h = 0; h < job.group_heads(); ++h)
    attend_head_tile(job, kv_head * job.group_heads() + h, tile, counts, scratch);
  if (counts != nullptr) counts->kept_bits.resize(static_cast<std::size_t>((job.tile_keys(tile) + 63) / 64));
}

}  // namespace

void attend_by_tiles(const Job& call) {
  Job job = call;
  job.row_tile = job.counts_steps() ? 1 : kTileRows;
  const std::int64_t tiles = job.tiles();
  const std::int64_t groups = job.shape().num_kv_heads;
  const bool counting = job.listeners.counts != nullptr;
  std::vector<TileCounts> counts(counting ? static_cast<std::size_t>(groups * tiles) : 0);
  // The longest rows first: what is left over at the end is short.
  parallel_for(groups * tiles, [&](std::int64_t i) {
    const std::int64_t group = i % groups;
    const std::int64_t tile = tiles - 1 - i / groups;
    attend_group_tile(job, group, tile,
                      counting ? &counts[static_cast<std::size_t>(group * tiles + tile)] : nullptr);
  });
  if (counting) report_counts(job, counts);
}

}  // namespace toptheta
