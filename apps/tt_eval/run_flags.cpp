#include "tt_eval/run_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/strict.hpp"
#include "core/error.hpp"
#include "tt_eval/dry_run.hpp"
#include "tt_eval/gate_flag.hpp"
#include "tt_eval/model_flags.hpp"

namespace toptheta::app {

namespace {

TileSize parse_tile(const std::string& text) {
  TileSize tile;
  const char* const end = text.data() + text.size();
  const auto [cross, bad_rows] = std::from_chars(text.data(), end, tile.rows);
  const bool crossed = bad_rows == std::errc() && cross != end && *cross == 'x';
  const auto [rest, bad_keys] = std::from_chars(crossed ? cross + 1 : end, end, tile.keys);
  if (!crossed || bad_keys != std::errc() || rest != end || tile.rows < 1 || tile.keys < 1 ||
      std::max(tile.rows, tile.keys) > (1 << 20))
    throw UsageError({.where = "--tile",
                      .what = "not the size of a tile",
                      .expected = "rows x keys: 128x128",
                      .found = fmt::format("'{}'", text)});
  return tile;
}

void declare_outputs(CLI::App& app, RunFlags& flags) {
  add_format(app, flags.format, "Default: by the ending of -o, else a table");
  app.add_flag("--overview", flags.overview,
               "Several tasks: only the one table over all of them, not one for each (table and md)")
      ->group(kOutputGroup);
  declare_output(app, flags.output, "Write here instead of standard output");
  app.add_flag(
         "--resume", flags.resume,
         "Go on with a run that was cut off: tasks that it finished are not run again (kept beside -o, as "
         "FILE.unfinished). The result is that of an undisturbed run")
      ->group(kOutputGroup);
  app.add_option(
         "--log-samples", flags.log_samples,
         "Also write a line for every example and policy: log-likelihoods, answer, hash of the prompt")
      ->type_name("FILE.jsonl")
      ->group(kOutputGroup);
  app.add_option(
         "--samples", flags.samples,
         "Also write the completions of generation tasks in the form of HumanEval's scorer; with several "
         "policies FILE-0.jsonl, FILE-1.jsonl, ... in their order")
      ->type_name("FILE.jsonl")
      ->group(kOutputGroup);
}

void declare_generation(CLI::App& app, RunFlags& flags) {
  constexpr const char* kGroup = "Prompts and completions";
  declare_chat(
      app, flags.chat, kGroup,
      "Put each question as the model's chat template puts what a user says; the answer is the assistant's");
  app.add_option("--max-new-tokens", flags.generation.max_new_tokens,
                 "Generation: so many instead of what the task says; 0 = that")
      ->type_name("N")
      ->check(non_negative())
      ->capture_default_str()
      ->group(kGroup);
  declare_stop(app, flags.generation.stop, kGroup,
               "Generation: end completions where they say this, besides the task's own; several allowed");
  declare_sampling(app, flags.generation.sampling);
}

}  // namespace

void declare_evaluation(CLI::App& app, RunFlags& flags) {
  const auto count = [&app](const char* name, std::int64_t& value, const char* description,
                            const char* group) {
    app.add_option(name, value, description)
        ->type_name("N")
        ->check(non_negative())
        ->capture_default_str()
        ->group(group);
  };
  const char* protocol = "Protocol";
  declare_model(app, flags.model);
  declare_compute(app, flags.compute);
  declare_kv(app, flags.kv);
  declare_strict(app, flags.strict);
  app.add_option("--task", flags.tasks,
                 "Texts (.txt; a directory of them is one task) or data sets (JSON Lines, recognised by "
                 "their fields, or named: arc:FILE; tt-eval tasks lists the names); "
                 "the embedded ones if no model is given")
      ->type_name("FILE")
      ->group(kInputGroup);
  app.add_option(
         "--task-file", flags.task_files,
         "Describes a data set of your own (docs/tasks.md); goes before those that come with the program")
      ->type_name("FILE.toml")
      ->group(kInputGroup);
  count("--limit", flags.limit, "Only the first so many examples of each task; 0 = all", kInputGroup);
  count("--few-shot", flags.few_shot, "Solved examples before each example", kInputGroup);
  app.add_option(
         "--few-shot-file", flags.few_shot_file,
         "Take them from this file; by default from where the task says (mmlu), else from the same file")
      ->type_name("FILE")
      ->group(kInputGroup);
  app.add_flag("--few-shot-random", flags.few_shot_random, "Draw them by --seed rather than taking the first")
      ->group(kInputGroup);
  declare_policies(app, flags.policies);
  add_choice(app, "--phase", flags.phase,
             "prefill = whole sequences at once; decode = token by token through the KV cache")
      ->group(protocol);
  app.add_option("--tile", flags.tile,
                 "Size of the tiles of scores, rows x keys, of which it is counted how many keep nothing; in "
                 "decode a "
                 "tile has one row")
      ->type_name("RxC")
      ->capture_default_str()
      ->group(protocol);
  count("--context", flags.context, "Tokens the model sees at once; 0 = the model's own limit", protocol);
  count("--ppl-chunk", flags.ppl_chunk,
        "Also perplexity by the chunked protocol (llama-perplexity), windows of so many tokens; 0 = no",
        protocol);
  app.add_flag("--output-error", flags.output_error,
               "Also measure how far each head's attention output is from dense attention of the same "
               "queries, keys "
               "and values: a dense attention more for every policy")
      ->group(protocol);
  declare_generation(app, flags);
  declare_dry_run(app, flags.dry_run);
}

void declare_run(CLI::App& app, RunFlags& flags) {
  declare_evaluation(app, flags);
  declare_outputs(app, flags);
  declare_fail_if(app, flags.fail_if,
                  "End with status 1 where this holds for a policy on a task: 'acc < dense - 0.01', "
                  "'kept_elements > 0.12' (docs/gate.md). Once for each condition");
}

EvaluationOptions evaluation_options(const RunFlags& flags, std::uint64_t seed) {
  EvaluationOptions options;
  options.phase = flags.phase;
  options.kv = flags.kv;
  options.tile = parse_tile(flags.tile);
  options.context = flags.context;
  options.ppl_chunk = flags.ppl_chunk;
  options.output_error = flags.output_error;
  options.generation = flags.generation;
  check_stop(flags.generation.stop);
  options.seed = seed;
  return options;
}

void require_generation(const RunFlags& flags, std::span<const Task> tasks) {
  const GenerationSettings& asked = flags.generation;
  const char* const flag = asked.sampling.asked()     ? "--sample, --temperature, --top-k, --top-p"
                           : !asked.stop.empty()      ? "--stop"
                           : asked.max_new_tokens > 0 ? "--max-new-tokens"
                                                      : nullptr;
  const auto generates = [](const Task& task) { return task.kind() == TaskKind::generation; };
  if (flag == nullptr || std::ranges::any_of(tasks, generates)) return;
  throw UsageError({.where = flag,
                    .what = "none of the tasks generates a text",
                    .expected = "a task of the kind generation (tt-eval tasks lists them)"});
}

TaskOptions task_options(const RunFlags& flags, std::uint64_t seed) {
  TaskOptions options;
  if (flags.limit > 0) options.limit = flags.limit;
  options.few_shot = flags.few_shot;
  options.few_shot_file = flags.few_shot_file;
  if (!flags.few_shot_file.empty() && flags.few_shot == 0)
    throw UsageError({.where = "--few-shot-file",
                      .what = "given without a number of examples",
                      .next = "give --few-shot N"});
  if (flags.few_shot_random) options.few_shot_seed = seed;
  check_chat(flags.chat);
  options.chat = flags.chat.chat;
  return options;
}

}  // namespace toptheta::app
