#include "eval/speed.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <vector>

#include "core/error.hpp"
#include "core/random.hpp"
#include "eval/kept_fraction.hpp"
#include "eval/speed_check.hpp"
#include "model/random_weights.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

constexpr std::int64_t kTokens = 200;

Transformer small_model() {
  return Transformer::random(
      config_from_shape("d=32,layers=2,heads=4,kv-heads=2,ffn=48,vocab=100,context=256"), 1);
}

std::vector<std::int32_t> some_tokens() {
  Random random(2);
  std::vector<std::int32_t> tokens;
  for (std::int64_t i = 0; i < kTokens; ++i)
    tokens.push_back(static_cast<std::int32_t>(random.below(100)));
  return tokens;
}

SpeedCase theta_case(const ModelShape& shape, const ThresholdTable& table, Policy policy) {
  policy.selection = Selection::theta;
  policy.lookup = LengthLookup::linear;
  return {describe(policy), 0, ResolvedPolicy(policy, shape, kTokens, &table, "fitted")};
}

}  // namespace

TEST_CASE("thresholds fitted on the spot keep the fraction asked for, in prefill and in decode") {
  Transformer model = small_model();
  const ModelShape& shape = model.config().shape;
  const std::vector<std::int32_t> tokens = some_tokens();
  for (const Placement placement : {Placement::pre_softmax, Placement::post_softmax}) {
    KvCache cache(shape, kTokens);
    const std::vector<double> fractions = {0.3, 0.1};
    const auto tables = thresholds_for_kept_fractions(model, cache, tokens, fractions,
                                                      {.placement = placement, .lengths = {150}});
    CHECK(cache.length() == kTokens);
    REQUIRE(tables.size() == 2);
    const SpeedOptions options{.repetitions = 1, .decode_steps = 20};
    for (std::size_t f = 0; f < fractions.size(); ++f) {
      const SpeedCase one = theta_case(shape, tables[f], {.placement = placement});
      for (const SpeedWorkload& workload :
           {SpeedWorkload{Phase::decode, 150}, SpeedWorkload{Phase::prefill, kTokens}}) {
        const auto results = measure_speed(model, cache, tokens, workload, {&one, 1}, options);
        CAPTURE(fractions[f], static_cast<int>(workload.phase), static_cast<int>(placement));
        // The table holds means over four rows; rows scatter around them.
        CHECK(results.front().counts.kept_elements() == Approx(fractions[f]).epsilon(0.35));
      }
    }
  }
}

namespace {

// Sums up, for the last rows of a text, the softmax weight that the fraction `kept` of each row exceeds.
struct LastWeights final : RowSink {
  LastWeights(const ModelShape& model, std::int64_t first_row, double fraction)
      : shape(model), first(first_row), kept(fraction) {}
  void add(const RowBlock& block) override {
    for (std::int64_t r = 0; r < block.rows(); ++r) {
      const std::span<const float> row = block.row(r);
      if (block.first_key(r) + std::ssize(row) - 1 < first) continue;
      std::vector<double> e(row.begin(), row.end());
      std::sort(e.begin(), e.end(), std::greater<>());
      const double largest = e.front();
      double total = std::exp(static_cast<double>(block.sink) - largest);
      for (double& score : e) {
        score = std::exp(score - largest);
        total += score;
      }
      const auto k = std::llround(kept * static_cast<double>(e.size()));
      sums[static_cast<std::size_t>(block.layer * shape.num_heads + block.head)] +=
          e[static_cast<std::size_t>(k)] / total;
    }
  }
  ModelShape shape;
  std::int64_t first;
  double kept;
  std::vector<double> sums =
      std::vector<double>(static_cast<std::size_t>(shape.num_layers * shape.num_heads));
};

}  // namespace

TEST_CASE("thresholds fitted on the spot have the sink in the denominator of their weights") {
  const char* shared = std::getenv("TT_SHARED");
  const auto folder =
      std::filesystem::path(shared != nullptr ? shared : "../shared") / "data" / "architectures" / "gpt_oss";
  if (!std::filesystem::exists(folder / "config.json")) {
    WARN("skipped: no model in " + folder.string());
    return;
  }
  Transformer model = Transformer::load(folder);
  const ModelShape& shape = model.config().shape;
  REQUIRE_FALSE(model.sinks().empty());
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 0; i < 24; ++i)
    tokens.push_back((7 * i + 3) % 32);
  const std::vector<double> fraction = {0.3};
  KvCache cache = model.new_cache(24);
  const ThresholdTable table =
      thresholds_for_kept_fractions(model, cache, tokens, fraction, {.placement = Placement::post_softmax})
          .front();
  LastWeights expected(shape, 20, fraction.front());
  cache.truncate(0);
  model.forward(tokens, cache, dense_policy(shape), {.attention = {.scores = &expected}});
  for (std::size_t cell = 0; cell < expected.sums.size(); ++cell)
    CHECK(table.targets.front().cells[cell].back().theta == Approx(expected.sums[cell] / 4).epsilon(1e-4));
}

TEST_CASE("thresholds for a kept fraction of running weights are refused") {
  Transformer model = small_model();
  KvCache cache(model.config().shape, kTokens);
  const std::vector<double> fraction = {0.3};
  CHECK_THROWS_AS(thresholds_for_kept_fractions(model, cache, some_tokens(), fraction,
                                                {.placement = Placement::running_softmax}),
                  UsageError);
}

TEST_CASE("the k of a prefill keeps the fraction of all elements") {
  for (const double fraction : {0.02, 0.1, 0.5}) {
    const std::int64_t n = 4000;
    const std::int64_t k = prefill_k(fraction, n);
    double kept = 0;
    for (std::int64_t i = 1; i <= n; ++i)
      kept += static_cast<double>(std::min(i, k));
    CHECK(kept / (static_cast<double>(n) * (n + 1) / 2) == Approx(fraction).epsilon(0.01));
  }
}

TEST_CASE("useful work is that of the definition, and steps are timed one by one") {
  Transformer model = small_model();
  const ModelConfig& config = model.config();
  const std::vector<std::int32_t> tokens = some_tokens();
  const std::int64_t parameters = 2 * (32 * 8 * (2 * 4 + 2 * 2) + 3 * 32 * 48);
  CHECK(non_embedding_parameters(config) == parameters);
  ModelConfig plain = config;
  plain.tensors.gate = {};
  CHECK(non_embedding_parameters(plain) == parameters - 2 * 32 * 48);
  ModelConfig mixed = config;
  mixed.layers[1].experts = true;
  mixed.experts = {.count = 8, .per_token = 2, .ffn_size = 16};
  CHECK(non_embedding_parameters(mixed) == parameters + 3 * 32 * (2 * 16 - 48) + 32 * 8);
  const std::vector<SpeedCase> cases = {{"dense", 0, dense_policy(config.shape)}};
  KvCache cache(config.shape, kTokens);
  const SpeedOptions options{.repetitions = 3, .decode_steps = 5};

  const auto prefill = measure_speed(model, cache, tokens, {Phase::prefill, 100}, cases, options).front();
  CHECK(prefill.seconds.size() == 3);
  CHECK(prefill.tokens == 100);
  // Per token 2 * parameters + 4 * heads * head_dim * visible keys per layer; and one row of logits.
  CHECK(prefill.work.flops ==
        Approx(2.0 * 100 * parameters + 2.0 * 100 * 32 + 4.0 * 32 * 2 * (100 * 101 / 2)));
  CHECK(prefill.work.k_bytes == 4.0 * 8 * 2 * 2 * 100);
  CHECK(prefill.work.v_bytes == prefill.work.k_bytes);
  CHECK(cache.length() == 100);

  const auto decode = measure_speed(model, cache, tokens, {Phase::decode, 80}, cases, options).front();
  CHECK(decode.seconds.size() == 15);
  CHECK(decode.tokens == 1);
  CHECK(decode.work.weight_bytes == 4.0 * (static_cast<double>(parameters) + 100 * 32));
  CHECK(decode.work.k_bytes == Approx(4.0 * 8 * 2 * 2 * 83));  // the mean of 81 ... 85 keys
  CHECK(cache.length() == 80);
}

TEST_CASE("the median is the middle, or between the two in the middle") {
  SpeedResult result;
  result.seconds = {5, 1, 3};
  CHECK(result.median_seconds() == 3);
  result.seconds.push_back(2);
  CHECK(result.median_seconds() == 2.5);
}

TEST_CASE("attention agrees with its formulas under every policy, and a wrong one is found out") {
  Transformer model = small_model();
  const ModelShape& shape = model.config().shape;
  const std::vector<std::int32_t> tokens = some_tokens();
  KvCache cache(shape, kTokens);
  for (const Placement placement : {Placement::pre_softmax, Placement::post_softmax}) {
    const std::vector<double> fraction = {0.2};
    const ThresholdTable table =
        thresholds_for_kept_fractions(model, cache, tokens, fraction, {.placement = placement}).front();
    std::vector<SpeedCase> cases;
    for (const bool vmc : {false, true}) {
      cases.push_back(theta_case(shape, table, {.placement = placement, .vmc = vmc}));
      const Policy topk{.selection = Selection::topk, .placement = placement, .vmc = vmc, .k = 12};
      cases.push_back({describe(topk), 0, ResolvedPolicy(topk, shape, kTokens, nullptr, "")});
    }
    if (placement == Placement::pre_softmax)
      for (const Sdc sdc : {Sdc::exact, Sdc::exp_threshold})
        cases.push_back(theta_case(shape, table, {.placement = placement, .sdc = sdc, .vmc = true}));
    cases.push_back(
        theta_case(shape, table, {.placement = placement, .vmc = true, .keep_first = 3, .keep_recent = 9}));
    const Policy ends{
        .selection = Selection::topk, .vmc = true, .k = 12, .keep_first = 3, .keep_recent = 150};
    cases.push_back({describe(ends), 0, ResolvedPolicy(ends, shape, kTokens, nullptr, "")});
    if (placement == Placement::post_softmax) {
      ThresholdTable running = table;
      running.meta.placement = Placement::running_softmax;
      for (const bool vmc : {false, true})
        cases.push_back(theta_case(shape, running, {.placement = Placement::running_softmax, .vmc = vmc}));
      for (auto& cell : running.targets[0].cells)
        for (ThresholdEntry& entry : cell)
          entry.rho = 0.3;
      for (const Prefilter prefilter : {Prefilter::none, Prefilter::int8})
        cases.push_back(theta_case(shape, running,
                                   {.placement = Placement::running_softmax,
                                    .sdc = Sdc::calibrated,
                                    .vmc = true,
                                    .prefilter = prefilter}));
    }
    cases.push_back({"dense", 0, dense_policy(shape)});
    for (const SpeedCase& one : cases) {
      CAPTURE(one.name);
      const SpeedCheck check = check_attention(model, tokens, one);
      CHECK(check.rows + check.skipped == 2 * kTokens * shape.num_heads);
      CHECK(check.skipped < check.rows / 10);
      CHECK(check.largest_error < 1e-4);
    }
  }
}
