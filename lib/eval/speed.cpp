#include "eval/speed.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>

#include "core/parallel.hpp"

namespace toptheta {

namespace {

class SpeedMeter {
 public:
  SpeedMeter(Transformer& model, KvCache& cache, std::span<const std::int32_t> tokens,
             const SpeedWorkload& workload, const SpeedOptions& options)
      : model_(model), cache_(cache), tokens_(tokens), workload_(workload), options_(options) {}

  AttentionCounts count(const ResolvedPolicy& policy) {
    SequenceCounts counts(model_.config().shape, cache_.capacity(), workload_.phase);
    std::vector<double> warm_up;
    run(policy, {.counts = &counts, .lost_mass = false}, warm_up);  // lost mass would need every score
    return counts.totals();
  }

  // Runs a prefill, or decode_steps decode steps, and appends the time of each call.
  void run(const ResolvedPolicy& policy, const AttentionListeners& listeners, std::vector<double>& seconds) {
    const bool prefill = workload_.phase == Phase::prefill;
    AttentionListeners of_phase = listeners;
    of_phase.phase = workload_.phase;
    cache_.truncate(prefill ? 0 : workload_.length);
    const std::int64_t calls = prefill ? 1 : options_.decode_steps;
    const std::int64_t rows = prefill ? workload_.length : 1;
    for (std::int64_t i = 0; i < calls; ++i) {
      const auto part =
          tokens_.subspan(static_cast<std::size_t>(cache_.length()), static_cast<std::size_t>(rows));
      const auto begin = std::chrono::steady_clock::now();
      model_.forward(part, cache_, policy, {.attention = of_phase});
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    if (!prefill) cache_.truncate(workload_.length);
  }

 private:
  Transformer& model_;
  KvCache& cache_;
  std::span<const std::int32_t> tokens_;
  const SpeedWorkload& workload_;
  const SpeedOptions& options_;
};

// The work of one prefill or one decode step, of which the counts hold `runs`.
SpeedWork work_of(const ModelConfig& config, const AttentionCounts& counts, std::int64_t tokens,
                  std::int64_t runs, double weight_bytes, KvType kv) {
  const auto dim = static_cast<double>(config.shape.head_dim);
  const auto matrices = static_cast<double>(non_embedding_parameters(config));
  const auto head = static_cast<double>(config.vocab_size * config.hidden_size);
  SpeedWork work;
  work.flops = 2 * (matrices * static_cast<double>(tokens) + head);
  work.weight_bytes = weight_bytes * (matrices + head);
  const double share = 1 / static_cast<double>(runs);
  const auto row = static_cast<double>(stored_bytes(kv, config.shape.head_dim));
  for (const HeadCount& count : counts.heads)
    work.flops += 2 * dim * static_cast<double>(count.visible + count.kept) * share;
  for (const GroupCount& count : counts.groups) {
    work.k_bytes += row * static_cast<double>(count.rows_available) * share;
    work.v_bytes += row * static_cast<double>(count.rows_needed) * share;
  }
  return work;
}

}  // namespace

double SpeedResult::median_seconds() const {
  std::vector<double> sorted = seconds;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

std::int64_t non_embedding_parameters(const ModelConfig& config) {
  const ModelShape& shape = config.shape;
  const Experts& experts = config.experts;
  const std::int64_t attention =
      config.hidden_size * shape.head_dim * (2 * shape.num_heads + 2 * shape.num_kv_heads);
  const std::int64_t ffn_matrix = config.hidden_size * (config.gated() ? 3 : 2);  // per unit of ffn width
  std::int64_t parameters = 0;
  for (const LayerKind& layer : config.layers)
    parameters += attention + (layer.experts ? ffn_matrix * experts.ffn_size * experts.per_token +
                                                   config.hidden_size * experts.count
                                             : ffn_matrix * config.ffn_size);
  return parameters;
}

std::vector<SpeedResult> measure_speed(Transformer& model, KvCache& cache,
                                       std::span<const std::int32_t> tokens, const SpeedWorkload& workload,
                                       std::span<const SpeedCase> cases, const SpeedOptions& options) {
  const bool prefill = workload.phase == Phase::prefill;
  assert(std::ssize(tokens) >= workload.length + (prefill ? 0 : options.decode_steps));
  assert(prefill || cache.length() >= workload.length);
  SpeedMeter meter(model, cache, tokens, workload, options);
  const std::int64_t total = (1 + options.repetitions) * std::ssize(cases);
  std::int64_t done = 0;
  const auto advance = [&] {
    if (options.progress) options.progress(++done, total);
  };
  std::vector<SpeedResult> results;
  for (const SpeedCase& one : cases) {
    SpeedResult result{workload, one.name, one.kept_target, {}, prefill ? workload.length : 1,
                       {},       {},       thread_count()};
    result.counts = meter.count(one.policy);
    result.work = work_of(model.config(), result.counts, result.tokens, prefill ? 1 : options.decode_steps,
                          options.weight_bytes, cache.type());
    results.push_back(std::move(result));
    advance();
  }
  for (std::int64_t r = 0; r < options.repetitions; ++r)
    for (std::size_t c = 0; c < cases.size(); ++c) {
      meter.run(cases[c].policy, {}, results[c].seconds);
      advance();
    }
  return results;
}

}  // namespace toptheta
