#include "attention/tile_pass.hpp"

#include <algorithm>

#include "core/parallel.hpp"

namespace toptheta {

namespace {

TileQueries queries_of(const Job& job, std::int64_t first_row, const PassScratch& scratch) {
  const std::int64_t at = first_row * job.head_dim();
  return {scratch.q.data() + at, job.head_dim(),
          job.cache.rounds_queries() ? scratch.q_bf16.data() + at : nullptr};
}

}  // namespace

KeyTile key_tile(const Job& job, std::int64_t kv_head, std::int64_t pass, std::int64_t tile_first,
                 PassScratch& scratch) {
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

AttentionTile row_tile(const Job& job, std::int64_t pass, std::int64_t first_row,
                       const PassScratch& scratch) {
  return {.queries = queries_of(job, first_row, scratch),
          .rows = std::min(kTileRows, job.tile_rows(pass) - first_row),
          .head_dim = job.head_dim(),
          .scale = job.score_scale(),
          .soft_cap = job.call.arithmetic.soft_cap,
          .visible = scratch.view.visible,
          .hidden = scratch.view.hidden,
          // Or from the last-level cache, where prefetching helps as well.
          .from_memory = first_row == 0};
}

bool show_keys(const KeyTile& keys, const PassScratch& scratch, AttentionTile& work) {
  const TileView& view = scratch.view;
  if (view.count == 0) return false;
  const std::int64_t skip = view.first - keys.first;
  work.num_keys = view.count;
  work.keys = keys.keys_from(skip, work.head_dim);
  work.values = keys.values + skip * work.head_dim;
  return true;
}

namespace {

struct Way {
  AttendKeys attend_keys;
  FinishRow finish;
};

void attend_head(const Job& job, const Way& way, std::int64_t head, std::int64_t pass, TileCounts* counts,
                 PassScratch& scratch) {
  const std::int64_t dim = job.head_dim();
  const std::int64_t count = job.tile_rows(pass);
  std::fill_n(scratch.out.begin(), count * dim, 0.0F);
  for (std::int64_t r = 0; r < count; ++r)
    job.copy_query(job.first_row(pass) + r, head, scratch.q.data() + r * dim);
  if (job.cache.rounds_queries())
    round_queries({scratch.q.data(), static_cast<std::size_t>(count * dim)}, scratch.q_bf16);
  way.attend_keys(job, head, pass, counts, scratch);
  for (std::int64_t r = 0; r < count; ++r) {
    float* const out = job.call.out + job.row_offset(job.first_row(pass) + r, head);
    std::copy_n(scratch.out.begin() + r * dim, dim, out);
    const HeadCount row = way.finish(job, pass, r, scratch, {out, static_cast<std::size_t>(dim)});
    if (counts != nullptr) counts->rows.push_back(row);
  }
}

void attend_group_pass(const Job& job, const Way& way, std::int64_t kv_head, std::int64_t pass,
                       TileCounts* counts) {
  thread_local PassScratch scratch;
  const auto size = static_cast<std::size_t>(kPassRows * job.head_dim());
  if (scratch.out.size() < size) {
    scratch.q.resize(size);
    scratch.out.resize(size);
  }
  if (job.policy.policy().vmc) tile_value_sums(job, kv_head, pass, scratch.value_sums);
  if (counts != nullptr) {
    // Whole tiles of keys, because the kernel marks whole tiles.
    counts->reset(job.group_heads(), (job.tile_keys(pass) + kTileKeys - 1) / kTileKeys * kTileKeys);
    counts->rows.reserve(static_cast<std::size_t>(job.group_heads() * job.tile_rows(pass)));
  }
  for (std::int64_t h = 0; h < job.group_heads(); ++h)
    attend_head(job, way, kv_head * job.group_heads() + h, pass, counts, scratch);
}

// The number of rows of a pass. It is smaller where threads would otherwise get fewer than four passes each
// and finish unevenly. This does not affect results, because rows are independent of each other.
std::int64_t pass_rows(const Job& job) {
  constexpr std::int64_t kLeast = kTileRows / 2;
  const std::int64_t enough = std::int64_t{4} * thread_count();
  std::int64_t rows = kPassRows;
  while (rows > kLeast && job.shape().num_kv_heads * ((job.call.rows + rows - 1) / rows) < enough)
    rows /= 2;
  return rows;
}

}  // namespace

void attend_in_passes(const Job& call, AttendKeys attend_keys, FinishRow finish) {
  Job job = call;
  job.choose_row_tile(pass_rows(job));
  const Way way{attend_keys, finish};
  const std::int64_t tiles = job.tiles();
  const std::int64_t groups = job.shape().num_kv_heads;
  const bool counting = job.listeners.counts != nullptr;
  std::vector<TileCounts> counts(counting ? static_cast<std::size_t>(groups * tiles) : 0);
  // The longest rows come first, so that the last pieces are short.
  parallel_for(groups * tiles, [&](std::int64_t i) {
    const std::int64_t group = i % groups;
    const std::int64_t tile = tiles - 1 - i / groups;
    attend_group_pass(job, way, group, tile,
                      counting ? &counts[static_cast<std::size_t>(group * tiles + tile)] : nullptr);
  });
  if (counting) report_counts(job, counts);
}

}  // namespace toptheta
