// The flags of tt-eval run, which are also the keys of a sweep's configuration.
#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/runner.hpp"
#include "report/format.hpp"
#include "tasks/task.hpp"
#include "tt_eval/policy_flags.hpp"
#include "tt_eval/sampling_flags.hpp"

namespace toptheta::app {

struct RunFlags {
  std::string model{};
  Compute compute = Compute::f32;
  KvType kv = KvType::f32;
  bool strict = false;
  std::vector<std::string> tasks{};
  std::vector<std::string> task_files{};
  std::int64_t limit = 0;
  std::int64_t few_shot = 0;
  std::string few_shot_file{};
  bool few_shot_random = false;
  PolicyFlags policies{};
  Phase phase = Phase::prefill;
  std::int64_t context = 0;
  std::int64_t ppl_chunk = 0;
  std::string tile = "128x128";
  bool output_error = false;
  ChatFlags chat{};
  GenerationSettings generation{};
  bool overview = false;
  std::string json{};
  std::string log_samples{};
  std::string samples{};
  std::optional<ResultFormat> format{};
  std::string output{};
  std::vector<std::string> fail_if{};
  bool dry_run = false;
  bool resume = false;
};

void declare_run(CLI::App& app, RunFlags& flags);
// Only the flags of model, tasks, policies and protocol, for commands that evaluate but write something else.
void declare_evaluation(CLI::App& app, RunFlags& flags);

// The protocol that the flags describe. Throws UsageError. `seed` is that of --seed.
EvaluationOptions evaluation_options(const RunFlags& flags, std::uint64_t seed);
// Throws UsageError if flags for generation are given and no task generates.
void require_generation(const RunFlags& flags, std::span<const Task> tasks);
// How tasks are read, according to the flags. Throws UsageError.
TaskOptions task_options(const RunFlags& flags, std::uint64_t seed);

}  // namespace toptheta::app
