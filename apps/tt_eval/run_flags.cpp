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
  add_format(app, flags.format, "By default, the ending of -o decides; without -o, a table");
  app.add_flag("--overview", flags.overview,
               "With several tasks, print only the table over all of them, not one for each (table and md)")
      ->group(kOutputGroup);
  declare_output(app, flags.output, "Write to this file instead of standard output");
  app.add_flag("--resume", flags.resume,
               "Continue an interrupted run: the tasks that it finished, which are kept next to -o as "
               "FILE.unfinished, are not run again. The result is that of an uninterrupted run")
      ->group(kOutputGroup);
  app.add_option("--json", flags.json, "Also write the result as JSON, for report, compare and scripts")
      ->type_name("FILE.json")
      ->group(kOutputGroup);
  app.add_option(
         "--log-samples", flags.log_samples,
         "Also write one line for every example and policy: log-likelihoods, answer, hash of the prompt")
      ->type_name("FILE.jsonl")
      ->group(kOutputGroup);
  app.add_option("--samples", flags.samples,
                 "Also write the completions of generation tasks as HumanEval's scorer reads them. Several "
                 "policies write FILE-0.jsonl, FILE-1.jsonl, ... in the order given")
      ->type_name("FILE.jsonl")
      ->group(kOutputGroup);
}

void declare_generation(CLI::App& app, RunFlags& flags) {
  constexpr const char* kGroup = "Prompts and completions";
  declare_chat(app, flags.chat, kGroup,
               "Format each question with the model's chat template, as a message of the user; the answer is "
               "the assistant's");
  app.add_option("--max-new-tokens", flags.generation.max_new_tokens,
                 "Generation tasks: at most this many tokens per completion; 0 = as the task says")
      ->type_name("N")
      ->check(non_negative())
      ->capture_default_str()
      ->group(kGroup);
  declare_stop(app, flags.generation.stop, kGroup,
               "Generation tasks: end completions at this string, in addition to the task's own stop "
               "strings; repeatable");
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
                 "Texts (.txt; a directory of texts is one task) or data sets (JSON Lines, recognised by "
                 "their fields, or named as in arc:FILE; tt-eval tasks lists the names). Without a model, "
                 "the embedded ones")
      ->type_name("FILE")
      ->group(kInputGroup);
  app.add_option("--task-file", flags.task_files,
                 "Task file that describes a data set of your own (docs/tasks.md). It takes precedence over "
                 "the task files that ship with the program")
      ->type_name("FILE.toml")
      ->group(kInputGroup);
  count("--limit", flags.limit, "Use only the first N examples of each task; 0 = all", kInputGroup);
  count("--few-shot", flags.few_shot, "Put this many solved examples before each example", kInputGroup);
  app.add_option("--few-shot-file", flags.few_shot_file,
                 "Take the solved examples from this file; by default from the file that the task names "
                 "(mmlu), else from the data file itself")
      ->type_name("FILE")
      ->group(kInputGroup);
  app.add_flag("--few-shot-random", flags.few_shot_random,
               "Draw the solved examples at random (--seed) instead of taking the first ones")
      ->group(kInputGroup);
  declare_policies(app, flags.policies);
  add_choice(app, "--phase", flags.phase,
             "prefill = whole sequences at once; decode = token by token through the KV cache")
      ->group(protocol);
  app.add_option("--tile", flags.tile,
                 "Size of the tiles of scores, rows x keys, for counting the tiles in which nothing is kept; "
                 "in decode a tile has one row")
      ->type_name("RxC")
      ->capture_default_str()
      ->group(protocol);
  count("--context", flags.context, "Tokens the model sees at once; 0 = the model's own limit", protocol);
  count("--ppl-chunk", flags.ppl_chunk,
        "Also compute perplexity by the chunked protocol of llama-perplexity, in windows of this many "
        "tokens; 0 = do not",
        protocol);
  app.add_flag("--output-error", flags.output_error,
               "Also measure how far each head's attention output is from dense attention on the same "
               "queries, keys and values. Costs one dense attention more for every policy")
      ->group(protocol);
  declare_generation(app, flags);
  declare_dry_run(app, flags.dry_run);
}

void declare_run(CLI::App& app, RunFlags& flags) {
  declare_evaluation(app, flags);
  declare_outputs(app, flags);
  declare_fail_if(app, flags.fail_if,
                  "Exit with status 1 if this holds for any policy on any task: 'acc < dense - 0.01', "
                  "'kept_elements > 0.12' (docs/gate.md). Give the flag once per condition");
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
                    .what = "none of the tasks generates text",
                    .expected = "a generation task (tt-eval tasks lists the kinds)"});
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
