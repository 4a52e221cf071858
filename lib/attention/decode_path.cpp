// Decode of dense attention and pre-softmax top-theta: all query heads of a KV group together, in parallel
// over groups and tiles of keys. Tiles are joined in the same order as in a prefill, so the bytes are the
// same.
#include <algorithm>
#include <atomic>
#include <functional>

#include "attention/finish_row.hpp"
#include "attention/job.hpp"
#include "core/parallel.hpp"
#include "core/team.hpp"
#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

namespace {

// Working memory of a call, kept from token to token. Nothing is allocated once the sequence no longer grows.
struct Partials {
  std::vector<RowRule> rules;           // [heads]
  std::vector<float> theta;             // [heads]
  std::vector<float> theta_before_cap;  // [heads]
  std::vector<RowState> states;         // [tiles][parts][heads]
  std::vector<float> out;               // [tiles][parts][heads][head_dim]
  std::vector<std::uint64_t> kept;      // [heads][tiles][kTileKeys / 64]
  std::vector<HeadCount> counts;        // [heads]
  std::vector<double> value_sums;       // [KV heads][head_dim]
  std::vector<double> unseen_sums;      // the same for values before the window
  std::vector<std::int64_t> runs_left;  // [KV heads]
  std::vector<float> q;  // [heads][head_dim] rounded to bfloat16; only where the cache rounds queries
  std::vector<std::uint16_t> q_bf16;

  void reserve(const ModelShape& shape, std::int64_t tiles, std::int64_t parts) {
    const auto heads = static_cast<std::size_t>(shape.num_heads);
    const auto grow = [](auto& vector, std::size_t size) {
      if (vector.size() < size) vector.resize(std::max(size, vector.size() * 3 / 2));
    };
    grow(rules, heads);
    grow(theta, heads);
    grow(theta_before_cap, heads);
    grow(counts, heads);
    grow(runs_left, static_cast<std::size_t>(shape.num_kv_heads));
    grow(states, heads * static_cast<std::size_t>(tiles * parts));
    grow(out, heads * static_cast<std::size_t>(tiles * parts * shape.head_dim));
    grow(kept, static_cast<std::size_t>(shape.num_heads * tiles * (kTileKeys / 64)));
    grow(value_sums, static_cast<std::size_t>(shape.num_kv_heads * shape.head_dim));
    grow(unseen_sums, value_sums.size());
  }
};

struct Step {
  const Job& job;
  Partials& partials;
  std::int64_t keys;        // up to the row's position
  std::int64_t first_key;   // the first key that the row sees
  std::int64_t first_tile;  // the tile of that key
  std::int64_t tiles;       // up to the row's position
  bool all_dense;

  // The sums of each part of a tile are kept in a slot, 0 ... slots() - 1, in the order in which they are
  // joined.
  [[nodiscard]] std::int64_t slots() const { return tiles * std::ssize(job.parts()); }
  [[nodiscard]] std::int64_t slot(std::int64_t tile, std::int64_t part) const {
    return tile * std::ssize(job.parts()) + part;
  }
  [[nodiscard]] std::size_t at(std::int64_t slot, std::int64_t head) const {
    return static_cast<std::size_t>(slot * job.shape().num_heads + head);
  }
  [[nodiscard]] std::int64_t row_length() const { return keys - first_key; }
  // The query of a head, in the precision that the cache prescribes.
  [[nodiscard]] const float* q(std::int64_t head) const {
    return (job.cache.rounds_queries() ? partials.q.data() : job.call.q) + job.row_offset(0, head);
  }
  [[nodiscard]] const std::uint16_t* q_bf16(std::int64_t head) const {
    return job.cache.rounds_queries() ? partials.q_bf16.data() + job.row_offset(0, head) : nullptr;
  }
  [[nodiscard]] std::uint64_t* kept(std::int64_t head, std::int64_t tile) const {
    return partials.kept.data() + (head * tiles + tile) * (kTileKeys / 64);
  }
};

bool prepare(const Job& job, Partials& partials) {
  bool all_dense = true;
  for (std::int64_t h = 0; h < job.shape().num_heads; ++h) {
    RowRule& rule = partials.rules[static_cast<std::size_t>(h)];
    rule = job.rule(h, job.call.first_position);
    const bool dense = rule.selection == Selection::dense;
    all_dense = all_dense && dense;
    partials.theta[static_cast<std::size_t>(h)] =
        dense ? -std::numeric_limits<float>::infinity() : rule.theta;
    partials.theta_before_cap[static_cast<std::size_t>(h)] =
        job.theta_before_cap(partials.theta[static_cast<std::size_t>(h)]);
  }
  return all_dense;
}

// A tile of keys and values as the cache stores it.
struct KeyTile {
  TileKeys keys;
  TileValues values;
};

KeyTile key_tile(const Job& job, std::int64_t kv_head, std::int64_t first) {
  const KvCache& cache = job.cache;
  const std::int64_t layer = job.call.layer;
  if (cache.type() == KvType::f32)
    return {cache.keys(layer, kv_head, first), cache.values(layer, kv_head, first)};
  thread_local std::vector<float> wide;
  const auto size = static_cast<std::size_t>(kTileKeys * job.head_dim());
  if (wide.size() < size) wide.resize(size);
  NarrowRows values = cache.narrow_values(layer, kv_head, first);
  values.wide = wide.data();
  return {cache.narrow_keys(layer, kv_head, first), values};
}

// Some heads of a group, at most as many as a tile has rows.
struct Heads {
  std::int64_t kv_head = 0;
  std::int64_t first = 0;
  std::int64_t count = 0;
};

// Working memory of a thread.
struct RunScratch {
  TileScratch tile;
  QueryCodes codes;
};

// Attends the heads to one part of a tile; `slot` receives the sums.
void attend_keys(const Step& step, const Heads& heads, std::int64_t tile, RowPart part, std::int64_t slot,
                 TilePrefilter& prefilter, RunScratch& scratch) {
  const Job& job = step.job;
  const std::int64_t dim = job.head_dim();
  const std::int64_t tile_first = tile * kTileKeys;
  RowState* const states = step.partials.states.data() + step.at(slot, heads.first);
  float* const out = step.partials.out.data() + step.at(slot, heads.first) * static_cast<std::size_t>(dim);
  std::fill_n(states, heads.count, RowState{});
  std::fill_n(out, heads.count * dim, 0.0F);
  TileView view;
  const auto seen = [&](std::int64_t h) {
    return job.keys_of(step.partials.rules[static_cast<std::size_t>(heads.first + h)],
                       job.call.first_position, part);
  };
  view_tile(tile_first, heads.count, seen, view);
  if (view.count == 0) return;
  const KeyTile keys = key_tile(job, heads.kv_head, view.first);
  AttentionTile work{.queries = {step.q(heads.first), dim, step.q_bf16(heads.first)},
                     .rows = heads.count,
                     .keys = keys.keys,
                     .values = keys.values,
                     .head_dim = dim,
                     .num_keys = view.count,
                     .scale = job.call.scale,
                     .soft_cap = job.call.arithmetic.soft_cap,
                     .visible = view.visible,
                     .hidden = view.hidden,
                     .from_memory = true};
  if (part == RowPart::chosen && !step.all_dense) {
    work.chosen = {step.partials.theta.data() + heads.first,
                   step.partials.theta_before_cap.data() + heads.first, job.want_dropped(),
                   job.policy.policy().sdc == Sdc::offline};
    work.index = prefilter.index(view.first, scratch.codes);
  }
  const bool counts = job.listeners.counts != nullptr;
  attend_tile(work,
              {states, out, counts ? step.kept(heads.first, tile) + (view.first - tile_first) / 64 : nullptr},
              scratch.tile);
}

void attend_tile_parts(const Step& step, const Heads& heads, std::int64_t tile, TilePrefilter& prefilter,
                       RunScratch& scratch) {
  if (step.job.listeners.counts != nullptr)
    std::fill_n(step.kept(heads.first, tile), kTileKeys / 64, std::uint64_t{0});
  const std::span<const RowPart> parts = step.job.parts();
  for (std::size_t i = 0; i < parts.size(); ++i)
    attend_keys(step, heads, tile, parts[i], step.slot(tile, static_cast<std::int64_t>(i)), prefilter,
                scratch);
}

// Attends a run of neighbouring tiles: long runs of memory are read fastest, and queries are coded only once.
void attend_run(const Step& step, std::int64_t kv_head, std::int64_t first_tile, std::int64_t last_tile) {
  thread_local RunScratch scratch;
  const Job& job = step.job;
  const std::int64_t dim = job.head_dim();
  TilePrefilter prefilter(job, kv_head, scratch.tile);
  // Kept keys are marked for all rows of a tile together. So where they are counted, each head gets its own
  // tile.
  const std::int64_t step_heads = job.listeners.counts != nullptr ? 1 : kTileRows;
  for (std::int64_t h = 0; h < job.group_heads(); h += step_heads) {
    const Heads heads{kv_head, kv_head * job.group_heads() + h, std::min(step_heads, job.group_heads() - h)};
    prefilter.code({step.q(heads.first), dim}, heads.count, scratch.codes);
    for (std::int64_t tile = first_tile; tile < last_tile; ++tile)
      attend_tile_parts(step, heads, tile, prefilter, scratch);
  }
}

void sum_seen_values(const Step& step, std::int64_t kv_head, std::span<double> sum) {
  const KvCache& cache = step.job.cache;
  cache.value_sum(step.job.call.layer, kv_head, step.keys, sum);
  if (step.first_key == 0) return;
  const std::span<double> unseen(step.partials.unseen_sums.data() + kv_head * std::ssize(sum), sum.size());
  cache.value_sum(step.job.call.layer, kv_head, step.first_key, unseen);
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] -= unseen[i];
}

void join_and_finish(const Step& step, std::int64_t kv_head) {
  const Job& job = step.job;
  const std::int64_t dim = job.head_dim();
  const auto width = static_cast<std::size_t>(dim);
  const std::span<double> value_sum(step.partials.value_sums.data() + kv_head * dim, width);
  if (job.policy.policy().vmc) sum_seen_values(step, kv_head, value_sum);
  for (std::int64_t h = 0; h < job.group_heads(); ++h) {
    const std::int64_t head = kv_head * job.group_heads() + h;
    float* const out = job.call.out + job.row_offset(0, head);
    std::fill_n(out, dim, 0.0F);
    RowState state;
    for (std::int64_t slot = step.slot(step.first_tile, 0); slot < step.slots(); ++slot)
      join_rows(step.partials.states[step.at(slot, head)],
                step.partials.out.data() + step.at(slot, head) * width, dim, state, out);
    const auto index = static_cast<std::size_t>(head);
    step.partials.counts[index] = finish_row(step.partials.rules[index], step.row_length(), state,
                                             job.lost_mass(), value_sum, {out, width});
  }
}

void report(const Step& step) {
  SequenceCounts& counts = *step.job.listeners.counts;
  const std::int64_t layer = step.job.call.layer;
  const std::int64_t group_heads = step.job.group_heads();
  const std::int64_t words = step.tiles * (kTileKeys / 64);
  for (std::int64_t g = 0; g < step.job.shape().num_kv_heads; ++g) {
    const std::int64_t head = g * group_heads;
    for (std::int64_t h = head; h < head + group_heads; ++h)
      std::fill(step.kept(h, 0), step.kept(h, step.first_tile), std::uint64_t{0});
    report_kept(step.job, g, {.position = step.keys - 1, .first_key = step.first_key, .end = step.keys},
                {step.kept(head, 0), static_cast<std::size_t>(group_heads * words)});
  }
  for (std::int64_t h = 0; h < step.job.shape().num_heads; ++h)
    counts.add_row(layer, h, step.partials.counts[static_cast<std::size_t>(h)]);
}

}  // namespace

void attend_one_row(const Job& job) {
  thread_local Partials partials;
  const std::int64_t keys = job.call.first_position + 1;
  const std::int64_t first_key = job.first_key(job.call.first_position);
  const std::int64_t first_tile = first_key / kTileKeys;
  const std::int64_t tiles = (keys + kTileKeys - 1) / kTileKeys;
  const std::int64_t groups = job.shape().num_kv_heads;
  partials.reserve(job.shape(), tiles, std::ssize(job.parts()));
  if (job.cache.rounds_queries()) {
    partials.q.assign(job.call.q, job.call.q + job.row_stride());
    round_queries(partials.q, partials.q_bf16);
  }
  const Step step{job, partials, keys, first_key, first_tile, tiles, prepare(job, partials)};
  // Runs are as long as possible while there are still enough of them to be shared evenly.
  constexpr std::int64_t kRuns = 32;
  constexpr std::int64_t kRunsPerThread = 6;
  constexpr std::int64_t kLongestRun = 8;
  const std::int64_t seen_tiles = tiles - first_tile;
  const std::int64_t least_runs = std::max<std::int64_t>(kRuns, kRunsPerThread * thread_count());
  const std::int64_t length = std::clamp<std::int64_t>(groups * seen_tiles / least_runs, 1, kLongestRun);
  const std::int64_t runs = (seen_tiles + length - 1) / length;
  std::fill_n(partials.runs_left.begin(), groups, runs);
  const auto body = [&step, runs, length](std::int64_t i) {
    const std::int64_t group = i / runs;
    const std::int64_t first = step.first_tile + i % runs * length;
    attend_run(step, group, first, std::min(first + length, step.tiles));
    // The thread that finishes a group's last run joins all of them, which costs less than waiting for all
    // threads.
    const std::atomic_ref<std::int64_t> left(step.partials.runs_left[static_cast<std::size_t>(group)]);
    if (left.fetch_sub(1, std::memory_order_acq_rel) == 1) join_and_finish(step, group);
  };
  parallel_runs(groups * runs, std::cref(body));  // a copy into std::function would allocate
  if (job.listeners.counts != nullptr) report(step);
}

}  // namespace toptheta
