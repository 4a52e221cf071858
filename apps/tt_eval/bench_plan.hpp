// The flags of tt-eval bench, and the measurements they ask for.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "common/session.hpp"
#include "eval/speed.hpp"
#include "theta/table.hpp"
#include "tt_eval/policy_flags.hpp"
#include "tt_eval/policy_plans.hpp"

namespace toptheta::app {

struct BenchFlags {
  std::string model{};
  std::string shape{};
  Compute compute = Compute::f32;
  KvType kv = KvType::f32;
  bool strict = false;
  std::string text{};
  std::string prefill{};
  std::string decode_at{};
  std::string kept{};
  std::int64_t decode_steps = 16;
  std::int64_t repetitions = 3;
  PolicyFlags policies{};
};

void declare_bench(CLI::App& app, BenchFlags& flags);

struct BenchPlan {
  Transformer model;
  std::vector<std::int32_t> tokens{};      // as many as the longest workload needs
  std::vector<SpeedWorkload> workloads{};  // decodes first, beginning with the deepest, then prefills
  std::int64_t capacity = 0;               // positions of the cache
  std::int64_t deepest = 0;                // the deepest decode; 0 if there is none
  std::vector<Policy> policies{};
  std::vector<ThresholdFile> thresholds{};
  std::vector<double> kept{};                     // fractions; empty if k and tables determine what to keep
  std::vector<ThresholdTable> kept_thresholds{};  // one per fraction, once prepare_cache has run
  std::vector<std::filesystem::path> inputs{};    // for the provenance
};

// Throws UsageError for flags that cannot be combined, and for lengths beyond the model's context.
BenchPlan resolve_bench(const BenchFlags& flags, Session& session);

// Fits the thresholds for the requested fractions, and fills the cache for the deepest decode by a dense
// prefill.
void prepare_cache(BenchPlan& plan, KvCache& cache, Session& session);

// One cache serves all policies. This is what it must hold in addition to the keys, so that each policy finds
// its prefilter; dense attention and top-k do not need it.
Prefilter prefilter_for(std::span<const Policy> policies);

// The policies fitted to a workload: with a kept fraction, top-k takes the k that keeps as many elements.
std::vector<SpeedCase> cases_of(const BenchPlan& plan, const SpeedWorkload& workload);

}  // namespace toptheta::app
