// How fast attention is, by policy and by what it keeps: prefill of 8192 tokens, and decode at 4k and 16k
// keys. Every case is checked against the double-precision version before it is timed.
//
//   OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=1000 bench_attention_bench --benchmark_filter=prefill
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <list>
#include <span>
#include <string>

#include "attention_world.hpp"
#include "core/parallel.hpp"

namespace toptheta::bench {
namespace {

// The worlds used last: each takes seconds to make, and where cases are run in turns, all are needed again.
const AttentionWorld& world(const WorldSize& size) {
  constexpr std::size_t kMost = 12;  // of at most half a gigabyte
  static std::list<AttentionWorld> worlds;
  const auto found =
      std::find_if(worlds.begin(), worlds.end(), [&](const AttentionWorld& w) { return w.size() == size; });
  if (found != worlds.end()) {
    worlds.splice(worlds.begin(), worlds, found);
  } else {
    if (worlds.size() == kMost) worlds.pop_back();
    worlds.emplace_front(size);
  }
  return worlds.front();
}

struct Case {
  std::string name;
  Policy policy{};
  testing::NaiveRule rule{};
  bool counted = false;
};

Policy with(Policy policy, Prefilter prefilter) {
  policy.prefilter = prefilter;
  return policy;
}

// The k with which top-k keeps this fraction of the elements of a causal
// prefill of n tokens.
std::int64_t prefill_k(double kept, std::int64_t n) {
  const double elements = kept * static_cast<double>(n) * static_cast<double>(n + 1) / 2;
  std::int64_t k = 1;
  while (static_cast<double>(k) * (static_cast<double>(n) - static_cast<double>(k - 1) / 2) < elements)
    ++k;
  return k;
}

std::vector<Case> cases(double kept, std::int64_t keys, Phase phase) {
  const std::int64_t k = phase == Phase::prefill
                             ? prefill_k(kept, keys)
                             : static_cast<std::int64_t>(kept * static_cast<double>(keys));
  const Policy theta{.selection = Selection::theta};
  Policy compensated = theta;
  compensated.sdc = Sdc::exact;
  compensated.vmc = true;
  return {{"theta", theta, {.selection = "theta", .k = 8}},
          {"theta+sdc+vmc", compensated, {.selection = "theta", .sdc = "exact", .vmc = true, .k = 8}},
          {"theta+page", with(theta, Prefilter::page), {.selection = "theta", .k = 8}},
          {"theta+int8", with(theta, Prefilter::int8), {.selection = "theta", .k = 8}},
          {"theta+auto", with(theta, Prefilter::automatic), {.selection = "theta", .k = 8}},
          {"theta+counts", theta, {.selection = "theta", .k = 8}, true},
          {"topk", {.selection = Selection::topk, .k = k}, {.selection = "topk", .k = k}}};
}

void prefill(benchmark::State& state, const WorldSize& size, const Case& c) {
  const AttentionWorld& w = world(size);
  const ResolvedPolicy policy(c.policy, size.shape, size.length, &w.table(), "");
  SequenceCounts counts(size.shape, size.length, Phase::prefill);
  std::vector<float> out;
  w.attend(0, 0, size.length, policy, out, {&counts, nullptr, false});
  for (const std::int64_t row : {std::int64_t{3}, size.length / 3, size.length - 1})
    w.check(row, c.rule, out.data() + row * size.shape.num_heads * size.shape.head_dim);
  SequenceCounts again(size.shape, size.length, Phase::prefill);
  for (auto _ : state)
    w.attend(0, 0, size.length, policy, out, {c.counted ? &again : nullptr, nullptr, false});
  const auto n = static_cast<double>(size.length);
  const double flops =
      4.0 * static_cast<double>(size.shape.head_dim * size.shape.num_heads) * n * (n + 1) / 2;
  state.counters["dense_flops"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["kept"] = counts.totals().kept_elements();
}

void decode(benchmark::State& state, const WorldSize& size, const Case& c) {
  const AttentionWorld& w = world(size);
  const ResolvedPolicy policy(c.policy, size.shape, size.length, &w.table(), "");
  SequenceCounts counts(size.shape, size.length, Phase::decode);
  std::vector<float> out;
  w.attend(0, size.length - 1, 1, policy, out, {&counts, nullptr, false});
  w.check(size.length - 1, c.rule, out.data());
  SequenceCounts again(size.shape, size.length, Phase::decode);
  std::int64_t layer = 0;
  for (auto _ : state) {
    w.attend(layer, size.length - 1, 1, policy, out, {c.counted ? &again : nullptr, nullptr, false});
    layer = (layer + 1) % size.shape.num_layers;
  }
  const double dense = 2.0 * static_cast<double>(stored_bytes(size.kv, size.shape.head_dim) * size.length *
                                                 size.shape.num_kv_heads);
  state.counters["dense_bytes"] = benchmark::Counter(dense, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["kept"] = counts.totals().kept_elements();
  state.counters["union"] = counts.totals().v_rows();
}

// Top-k as one writes it first: whole rows of scores, std::nth_element on a
// copy, then the same kernels.
void prefill_by_nth_element(benchmark::State& state, const WorldSize& size) {
  const AttentionWorld& w = world(size);
  const ModelShape& s = size.shape;
  const std::int64_t k = prefill_k(size.kept, size.length);
  const std::int64_t stride = (size.length + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
  constexpr std::int64_t kRows = 24;
  std::vector<float> out(static_cast<std::size_t>(size.length * s.num_heads * s.head_dim));
  const auto some_rows = [&](std::int64_t piece) {
    thread_local std::vector<float> scores;
    thread_local std::vector<float> copy;
    thread_local std::vector<float> values;
    thread_local std::vector<std::int32_t> indices;
    const std::int64_t head = piece % s.num_heads;
    const std::int64_t kv_head = head / (s.num_heads / s.num_kv_heads);
    const std::int64_t first = piece / s.num_heads * kRows;
    const std::int64_t rows = std::min(kRows, size.length - first);
    scores.resize(static_cast<std::size_t>(kRows * stride));
    values.resize(static_cast<std::size_t>(stride + kKeyBlock));
    indices.resize(values.size());
    score_rows(w.q(first) + head * s.head_dim, rows, s.num_heads * s.head_dim, w.cache().keys(0, kv_head),
               s.head_dim, first + rows, w.scale(), scores.data(), stride);
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::span<const float> row(scores.data() + r * stride, static_cast<std::size_t>(first + r + 1));
      float theta = -std::numeric_limits<float>::infinity();
      if (k < std::ssize(row)) {
        copy.assign(row.begin(), row.end());
        std::nth_element(copy.begin(), copy.begin() + k, copy.end(), std::greater<>());
        theta = copy[static_cast<std::size_t>(k)];
      }
      const auto kept = static_cast<std::size_t>(compact_above(row, theta, indices.data(), values.data()));
      const double sum = exp_in_place(std::span(values).first(kept), row_max(std::span(values).first(kept)));
      float* const to = out.data() + ((first + r) * s.num_heads + head) * s.head_dim;
      std::fill_n(to, s.head_dim, 0.0F);
      add_weighted_rows_at(std::span(values).first(kept), std::span(indices).first(kept),
                           w.cache().values(0, kv_head), s.head_dim, to);
      for (std::int64_t i = 0; i < s.head_dim; ++i)
        to[i] = static_cast<float>(static_cast<double>(to[i]) / sum);
    }
  };
  const std::int64_t pieces = (size.length + kRows - 1) / kRows * s.num_heads;
  parallel_for(pieces, some_rows);
  for (const std::int64_t row : {std::int64_t{3}, size.length / 3, size.length - 1})
    w.check(row, {.selection = "topk", .k = k}, out.data() + row * s.num_heads * s.head_dim);
  for (auto _ : state)
    parallel_for(pieces, some_rows);
}

// The machine's read bandwidth, with as many threads as attention uses.
void read_bandwidth(benchmark::State& state) {
  const std::vector<float> memory(std::size_t{64} << 20, 1.0F);
  constexpr std::int64_t kPieces = 256;
  std::vector<float> sums(kPieces * 16);
  for (auto _ : state) {
    parallel_for(kPieces, [&](std::int64_t p) {
      const std::size_t piece = memory.size() / kPieces;
      const float* from = memory.data() + static_cast<std::size_t>(p) * piece;
      // In four streams, as tt-eval bench measures its limit: one is read more slowly.
      const std::size_t quarter = piece / 4;
      float lanes[64] = {};
      for (std::size_t i = 0; i < quarter; i += 16)
        for (std::size_t stream = 0; stream < 4; ++stream)
          for (std::size_t l = 0; l < 16; ++l)
            lanes[16 * stream + l] += from[stream * quarter + i + l];
      for (const float lane : lanes)
        sums[static_cast<std::size_t>(p) * 16] += lane;
    });
    benchmark::DoNotOptimize(sums.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(memory.size() * 4) * state.iterations());
}

void add(const std::string& name, const std::function<void(benchmark::State&)>& body) {
  benchmark::RegisterBenchmark(name.c_str(), body)
      ->Unit(benchmark::kMillisecond)
      ->MeasureProcessCPUTime()
      ->UseRealTime();
}

void register_all() {
  using Body = void (*)(benchmark::State&, const WorldSize&, const Case&);
  const auto series = [](const std::string& name, Body body, WorldSize size) {
    add(name + "/dense", [=](benchmark::State& state) { body(state, size, {"dense"}); });
    for (const Scores scores : {Scores::random, Scores::clustered})
      for (const double kept : {0.3, 0.1, 0.05, 0.02}) {
        size.scores = scores;
        size.kept = kept;
        for (const Case& c : cases(kept, size.length, body == decode ? Phase::decode : Phase::prefill))
          add(fmt::format("{}/{}/{}/{}", name, scores == Scores::random ? "random" : "clustered", kept * 100,
                          c.name),
              [=](benchmark::State& state) { body(state, size, c); });
      }
  };
  add("read_bandwidth", read_bandwidth);
  series("prefill/8192/d64", prefill, {{1, 2, 2, 64}, 8192, Scores::random, 0.02});
  series("prefill/8192/d128", prefill, {{1, 2, 2, 128}, 8192, Scores::random, 0.02});
  add("prefill/8192/d64/random/2/topk by nth_element", [](benchmark::State& state) {
    prefill_by_nth_element(state, {{1, 2, 2, 64}, 8192, Scores::random, 0.02});
  });
  for (const KvType kv : {KvType::f16, KvType::bf16, KvType::int8}) {
    const WorldSize wide{{2, 32, 8, 64}, 16384, Scores::random, 0.02, kv};
    const WorldSize prompt{{1, 2, 2, 64}, 8192, Scores::random, 0.02, kv};
    const Case dense{"dense"};
    const Case theta{"theta", {.selection = Selection::theta}, {.selection = "theta", .k = 8}};
    for (const Case& c : {dense, theta}) {
      add(fmt::format("prefill/8192/d64/{}/{}", name_of(kv), c.name),
          [=](benchmark::State& state) { prefill(state, prompt, c); });
      add(fmt::format("decode/16384/32:8/d64/{}/{}", name_of(kv), c.name),
          [=](benchmark::State& state) { decode(state, wide, c); });
    }
  }
  series("decode/4096/32:8/d64", decode, {{8, 32, 8, 64}, 4096, Scores::random, 0.02});
  series("decode/16384/32:8/d64", decode, {{2, 32, 8, 64}, 16384, Scores::random, 0.02});
  series("decode/16384/8:8/d64", decode, {{2, 8, 8, 64}, 16384, Scores::random, 0.02});
}

}  // namespace
}  // namespace toptheta::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  toptheta::bench::register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
