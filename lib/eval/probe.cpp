#include "eval/probe.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "core/random.hpp"
#include "eval/session.hpp"
#include "eval/speed.hpp"

namespace toptheta {

namespace {

// The time that it takes to feed these tokens to an empty cache.
double seconds_of(PolicySession& session, std::span<const std::int32_t> tokens) {
  const auto begin = std::chrono::steady_clock::now();
  session.start();
  session.feed(tokens, 0);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

double forward_flops(const ModelConfig& config, const FedTokens& fed) {
  const double head = static_cast<double>(config.vocab_size) * static_cast<double>(config.hidden_size);
  const auto width =
      static_cast<double>(config.shape.num_layers * config.shape.num_heads * config.shape.head_dim);
  return 2 * (static_cast<double>(non_embedding_parameters(config)) + head) * fed.tokens +
         4 * width * fed.positions;
}

SpeedProbe probe_speed(Transformer& model, const ResolvedPolicy& policy, Phase phase, KvType kv,
                       std::int64_t longest) {
  constexpr double kQuick = 0.2;  // seconds
  const std::int64_t share = phase == Phase::decode ? 4 : 1;
  const std::int64_t most = std::clamp<std::int64_t>(longest, 1, PolicySession::kPiece);
  KvCache cache = model.new_cache(most, policy.policy().prefilter, kv);
  PolicySession session(model, policy, cache, phase);
  Random random(0);
  std::vector<std::int32_t> tokens;
  tokens.reserve(static_cast<std::size_t>(most));
  for (std::int64_t i = 0; i < most; ++i)
    tokens.push_back(
        static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(model.config().vocab_size))));
  SpeedProbe probe;
  seconds_of(session, std::span(tokens).first(static_cast<std::size_t>(std::min<std::int64_t>(most, 4))));
  for (const std::int64_t wanted : {16, 64, 256}) {
    const std::int64_t count = std::min(wanted / share, most);
    if (count <= probe.tokens || (probe.tokens > 0 && probe.seconds > kQuick)) break;
    probe.tokens = count;
    probe.seconds = seconds_of(session, std::span(tokens).first(static_cast<std::size_t>(count)));
  }
  FedTokens fed;
  fed.add(0, probe.tokens);
  probe.flops = forward_flops(model.config(), fed);
  return probe;
}

double cache_bytes(const ModelConfig& config, std::int64_t capacity, Prefilter prefilter, KvType kv) {
  // Keys and values, and the running sums of V at every 64th position (KvCache).
  const double row = 2.0 * static_cast<double>(stored_bytes(kv, config.shape.head_dim));
  double element = row / static_cast<double>(config.shape.head_dim) + 0.125;
  if (prefilter == Prefilter::page || prefilter == Prefilter::automatic) element += 0.25;
  if (prefilter == Prefilter::int8 || prefilter == Prefilter::automatic) element += 5;
  const ModelShape& shape = config.shape;
  return element * static_cast<double>(shape.num_layers * shape.num_kv_heads * shape.head_dim * capacity);
}

double peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return 1024.0 * static_cast<double>(usage.ru_maxrss);
}

}  // namespace toptheta
