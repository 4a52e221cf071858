#include "tt_eval/bench_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "common/embedded.hpp"
#include "common/strict.hpp"
#include "core/error.hpp"
#include "core/number_list.hpp"
#include "core/random.hpp"
#include "eval/kept_fraction.hpp"
#include "io/text_file.hpp"
#include "model/language_model.hpp"
#include "model/random_weights.hpp"
#include "tt_eval/model_flags.hpp"

namespace toptheta::app {

namespace {

constexpr std::int64_t kPrefills[] = {512, 2048, 8192};
constexpr std::int64_t kDepths[] = {1024, 4096, 16384};

std::vector<double> parse_fractions(const std::string& text) {
  std::vector<double> fractions;
  for (std::string_view rest = text; !text.empty();) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    double value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || !(value > 0 && value < 1))
      throw UsageError({.where = "--kept",
                        .what = "not a list of fractions",
                        .expected = "numbers between 0 and 1: 0.1,0.02",
                        .found = fmt::format("'{}'", text)});
    fractions.push_back(value);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return fractions;
}

void require_consistent(const BenchFlags& flags) {
  if (!flags.model.empty() && !flags.shape.empty())
    throw UsageError(
        {.where = "--shape", .what = "cannot be combined with --model", .next = "give one of them"});
  if (flags.strict && !flags.shape.empty())
    throw UsageError({.where = "--strict",
                      .what = "concerns the files of a model, and random weights have none",
                      .next = "drop it"});
  if (!flags.text.empty() && !flags.shape.empty())
    throw UsageError({.where = "--text",
                      .what = "a model of random weights has no tokenizer",
                      .next = "drop --text: random tokens are used"});
  if (flags.kept.empty()) return;
  if (!flags.policies.k.empty() || !flags.policies.thresholds.empty() || !flags.policies.layer_k.empty())
    throw UsageError({.where = "--kept",
                      .what = "already determines what is kept",
                      .next = "drop -k, --layer-k and --thresholds, or --kept"});
}

// The lengths asked for, or those of the usual ones that fit (else the longest that does).
std::vector<std::int64_t> lengths_of(const std::string& text, const char* flag,
                                     std::span<const std::int64_t> usual, std::int64_t limit) {
  std::vector<std::int64_t> lengths;
  if (text == "none") return lengths;
  if (text.empty()) {
    std::copy_if(usual.begin(), usual.end(), std::back_inserter(lengths),
                 [&](std::int64_t n) { return n <= limit; });
    if (lengths.empty()) lengths.push_back(limit);
    return lengths;
  }
  lengths = parse_number_list(text, flag);
  for (const std::int64_t n : lengths)
    if (n > limit)
      throw UsageError({.where = flag,
                        .what = "longer than the model's context allows",
                        .expected = fmt::format("at most {} tokens", limit),
                        .found = fmt::format("{}", n)});
  return lengths;
}

// Decodes come first, for prefills overwrite the cache that they need.
void plan_workloads(const BenchFlags& flags, BenchPlan& plan) {
  const std::int64_t context = plan.model.config().context;
  const std::int64_t room = std::max<std::int64_t>(context - flags.decode_steps, 1);
  std::vector<std::int64_t> depths = lengths_of(flags.decode_at, "--decode-at", kDepths, room);
  std::sort(depths.rbegin(), depths.rend());
  for (const std::int64_t n : depths) {
    plan.workloads.push_back({Phase::decode, n});
    plan.deepest = std::max(plan.deepest, n);
    plan.capacity = std::max(plan.capacity, n + flags.decode_steps);
  }
  for (const std::int64_t n : lengths_of(flags.prefill, "--prefill", kPrefills, context)) {
    plan.workloads.push_back({Phase::prefill, n});
    plan.capacity = std::max(plan.capacity, n);
  }
  if (plan.workloads.empty())
    throw UsageError({.where = "--prefill, --decode-at", .what = "nothing to measure"});
}

// None where there is no text.
std::vector<std::int32_t> text_tokens(const BenchFlags& flags, const LanguageModel& model,
                                      std::vector<std::filesystem::path>& inputs) {
  std::vector<std::filesystem::path> files;
  if (!flags.text.empty()) files.emplace_back(flags.text);
  if (flags.text.empty() && flags.model.empty()) files = find_embedded_data().files("heldout-a", ".txt");
  std::vector<std::int32_t> text;
  for (const auto& file : files) {
    const std::vector<std::int32_t> ids = encode_prompt(model, read_text_file(file));
    text.insert(text.end(), ids.begin(), ids.end());
    inputs.push_back(file);
  }
  return text;
}

std::vector<std::int32_t> repeated(const std::vector<std::int32_t>& text, std::int64_t count) {
  std::vector<std::int32_t> tokens;
  tokens.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    tokens.push_back(text[static_cast<std::size_t>(i) % text.size()]);
  return tokens;
}

std::vector<std::int32_t> random_tokens(std::int64_t vocab, std::int64_t count, std::uint64_t seed) {
  Random random(seed, ~std::uint64_t{0});
  std::vector<std::int32_t> tokens;
  tokens.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(vocab))));
  return tokens;
}

std::vector<Policy> policies_of(const BenchFlags& flags) {
  PolicyFlags policies = flags.policies;
  if (!flags.kept.empty() && policies.attention.empty()) {
    policies.attention = {"dense", "topk", "theta"};
    // As it is to be run, unless the flags say how, or something about the dropped is asked.
    if (policies.common.prefilter == Prefilter::none && policies.common.sdc != Sdc::exact &&
        policies.common.placement == Placement::pre_softmax)
      policies.attention.emplace_back("theta:prefilter=auto");
  }
  std::vector<Policy> resolved = resolve_policies(policies);
  for (const Policy& policy : resolved)
    if (policy.selection == Selection::rows || policy.keeps_more())
      throw UsageError(
          {.where = fmt::format("attention policy '{}'", describe(policy)),
           .what = "is computed from full rows of scores, so its time says nothing about the policy",
           .expected = "dense, topk or theta, without keys that are always kept",
           .next = "tt-eval run counts what this policy keeps"});
  return resolved;
}

SpeedCase kept_case(const BenchPlan& plan, Policy policy, std::size_t fraction,
                    const SpeedWorkload& workload) {
  const double kept = plan.kept[fraction];
  const ModelShape& shape = plan.model.config().shape;
  const std::string suffix = fmt::format(" kept={:g}", kept);
  if (has_thresholds(policy)) {
    const std::string name = describe(policy) + suffix;
    policy.k = 0;
    policy.lookup = LengthLookup::linear;
    return {name, kept,
            ResolvedPolicy(policy, shape, plan.capacity, &plan.kept_thresholds[fraction], "--kept")};
  }
  const auto depth = static_cast<double>(workload.length);
  policy.k = workload.phase == Phase::prefill ? prefill_k(kept, workload.length)
                                              : std::max<std::int64_t>(1, std::llround(kept * depth));
  return {describe(policy) + suffix, kept, ResolvedPolicy(policy, shape, plan.capacity, nullptr, "")};
}

}  // namespace

BenchPlan resolve_bench(const BenchFlags& flags, Session& session) {
  require_consistent(flags);
  const std::vector<Policy> policies = policies_of(flags);
  const std::vector<double> kept = parse_fractions(flags.kept);
  const Compute compute = resolve_compute(flags.compute, session);
  std::optional<LanguageModel> model;
  std::vector<std::filesystem::path> inputs;
  std::vector<std::int32_t> text;
  if (flags.shape.empty()) {
    inputs.push_back(resolve_model(flags.model, session));
    model = load_strictly(inputs.front(), compute, flags.strict, session);
    text = text_tokens(flags, *model, inputs);
  }
  BenchPlan plan{.model = model ? std::move(model->transformer)
                                : Transformer::random(config_from_shape(flags.shape), session.seed, compute)};
  plan.kept = kept;
  plan.thresholds = load_thresholds(flags.policies.thresholds, session.console);
  plan.policies = kept.empty() ? with_every_k(policies, plan.thresholds) : policies;
  if (kept.empty()) warn_of_idle_tables(plan.policies, plan.thresholds, session.console);
  if (flags.policies.attention.empty() &&
      std::ranges::all_of(plan.policies, [](const Policy& policy) { return is_dense(policy); }))
    session.console.note(
        "only dense attention is timed; --kept 0.1,0.02 compares it with top-k and top-theta, --thresholds "
        "FILE with "
        "your own table");
  plan.inputs = std::move(inputs);
  plan_workloads(flags, plan);
  plan.tokens = text.empty() ? random_tokens(plan.model.config().vocab_size, plan.capacity, session.seed)
                             : repeated(text, plan.capacity);
  for (const ThresholdFile& file : plan.thresholds)
    plan.inputs.emplace_back(file.path);
  return plan;
}

Prefilter prefilter_for(std::span<const Policy> policies) {
  Prefilter needed = Prefilter::none;
  for (const Policy& policy : policies) {
    if (policy.prefilter == Prefilter::none || policy.prefilter == needed) continue;
    needed = needed == Prefilter::none ? policy.prefilter : Prefilter::automatic;
  }
  return needed;
}

void prepare_cache(BenchPlan& plan, KvCache& cache, Session& session) {
  if (!plan.kept.empty()) {
    KeptFractionOptions options;
    for (const Policy& policy : plan.policies)
      if (has_thresholds(policy)) options.placement = policy.placement;
    for (const SpeedWorkload& workload : plan.workloads)
      options.lengths.push_back(workload.length);
    options.progress = [&](std::int64_t done, std::int64_t total) {
      session.console.progress("thresholds for --kept", done, total, "tokens");
    };
    plan.kept_thresholds = thresholds_for_kept_fractions(plan.model, cache, plan.tokens, plan.kept, options);
  } else if (plan.deepest > 0) {
    plan.model.forward(std::span(plan.tokens).first(static_cast<std::size_t>(plan.deepest)), cache,
                       dense_policy(plan.model.config().shape), {.first_logit_row = plan.deepest});
  }
}

std::vector<SpeedCase> cases_of(const BenchPlan& plan, const SpeedWorkload& workload) {
  std::vector<SpeedCase> cases;
  if (plan.kept.empty()) {
    for (PolicyPlan& one :
         plan_policies(plan.policies, plan.thresholds, plan.model.config().shape, plan.capacity))
      cases.push_back({describe(one.policy), 0, std::move(one.policy)});
    return cases;
  }
  for (const Policy& policy : plan.policies) {
    if (is_dense(policy)) {
      cases.push_back({describe(policy), 0, dense_policy(plan.model.config().shape)});
      continue;
    }
    for (std::size_t f = 0; f < plan.kept.size(); ++f)
      cases.push_back(kept_case(plan, policy, f, workload));
  }
  return cases;
}

}  // namespace toptheta::app
