// tt-eval generate: continues a prompt under one or several policies.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "common/strict.hpp"
#include "core/error.hpp"
#include "eval/runner.hpp"
#include "model/generate.hpp"
#include "report/json.hpp"
#include "report/listing.hpp"
#include "tokenizer/text_stream.hpp"
#include "tokenizer/token_ids.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/dry_run.hpp"
#include "tt_eval/model_flags.hpp"
#include "tt_eval/policy_flags.hpp"
#include "tt_eval/policy_plans.hpp"
#include "tt_eval/sampling_flags.hpp"

namespace toptheta::app {

namespace {

struct GenerateFlags {
  std::string model{};
  Compute compute = Compute::f32;
  KvType kv = KvType::f32;
  bool strict = false;
  std::string prompt{};
  std::string ids{};
  ChatFlags chat{};
  std::int64_t max_new_tokens = 64;
  SamplingRequest sampling{};
  std::vector<std::string> stop{};
  PolicyFlags policies{};
  bool dry_run = false;
  std::optional<ResultFormat> format{};
  std::string output{};
};

// What is continued.
struct Prompt {
  std::vector<std::int32_t> ids;
  std::string text;     // as the user wrote it, else as the tokenizer writes its ids
  std::string decoded;  // as the tokenizer writes its ids, without special tokens
};

struct Completion {
  std::string policy{};
  std::string text{};  // behind the prompt's
  const char* end = "";
  std::int64_t new_tokens = 0;
  double seconds = 0;  // of the steps after the prompt
  AttentionCounts decode{};

  [[nodiscard]] double tokens_per_second() const {
    return seconds > 0 ? static_cast<double>(new_tokens - 1) / seconds : 0;
  }
};

std::vector<std::int32_t> prompt_ids(const LanguageModel& model, const GenerateFlags& flags) {
  if (flags.chat.chat) return encode_chat(model, flags.chat.system, flags.prompt);
  if (flags.ids.empty()) return encode_prompt(model, flags.prompt);
  auto sequences = read_token_ids(flags.ids, model.transformer.config().vocab_size);
  if (sequences.size() != 1)
    throw InputError({.where = flags.ids,
                      .what = "more than one prompt",
                      .expected = "one sequence of token ids",
                      .found = std::to_string(sequences.size())});
  return std::move(sequences.front());
}

Prompt fitting_prompt(const LanguageModel& model, const GenerateFlags& flags) {
  Prompt prompt{prompt_ids(model, flags), {}, {}};
  prompt.decoded = model.tokenizer.decode(prompt.ids);
  prompt.text = flags.prompt.empty() || flags.chat.chat ? prompt.decoded : flags.prompt;
  const std::int64_t needed = std::ssize(prompt.ids) + flags.max_new_tokens;
  const std::int64_t context = model.transformer.config().context;
  if (needed > context)
    throw UsageError({.where = flags.ids.empty() ? "--prompt" : "--ids",
                      .what = "prompt and continuation do not fit the model's context",
                      .expected = fmt::format("at most {} tokens", context),
                      .found = fmt::format("a prompt of {} and --max-new-tokens {}", prompt.ids.size(),
                                           flags.max_new_tokens),
                      .next = "shorten the prompt or lower --max-new-tokens"});
  return prompt;
}

const char* name_of(GenerateEnd end) {
  switch (end) {
    case GenerateEnd::stop_token:
      return "stop token";
    case GenerateEnd::length:
      return "length";
    case GenerateEnd::context:
      return "context";
    case GenerateEnd::caller:
      return "stop string";
  }
  return "";
}

// The text behind the prompt's, decoded together with it: a first token may lose its space by itself.
std::string continuation_text(const LanguageModel& model, const Prompt& prompt,
                              const std::vector<std::int32_t>& tokens) {
  std::vector<std::int32_t> all = prompt.ids;
  all.insert(all.end(), tokens.begin(), tokens.end());
  const std::string text = model.tokenizer.decode(all);
  // A character that the prompt left unfinished is finished, and belongs to what follows.
  const auto differ = std::ranges::mismatch(text, prompt.decoded).in1;
  auto begin = static_cast<std::size_t>(differ - text.begin());
  while (begin > 0 && begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U)
    --begin;
  return text.substr(begin);
}

Completion complete(LanguageModel& model, const PolicyPlan& plan, const Prompt& prompt,
                    const GenerateFlags& flags, Session& session) {
  const ModelShape& shape = model.transformer.config().shape;
  KvCache cache = model.transformer.new_cache(std::ssize(prompt.ids) + flags.max_new_tokens,
                                              plan.record.policy.prefilter, flags.kv);
  SequenceCounts counts(shape, cache.capacity(), Phase::decode);
  Completion completion{.policy = describe(plan.record.policy)};
  TextStream stream(model.tokenizer, prompt.ids);
  StopStrings stop(flags.stop);
  std::chrono::steady_clock::time_point first{};
  const auto on_token = [&](std::int32_t token) {
    const auto now = std::chrono::steady_clock::now();
    if (completion.new_tokens == 0) first = now;
    completion.seconds = std::chrono::duration<double>(now - first).count();
    session.console.progress(completion.policy, ++completion.new_tokens, flags.max_new_tokens, "tokens");
    return !stop.add(stream.push(token));
  };
  std::optional<Sampler> sampler;
  if (const auto sampling = sampling_of(flags.sampling, model.generation, session.seed))
    sampler.emplace(*sampling);
  const Generation generation =
      generate(model.transformer, cache, prompt.ids, plan.policy,
               {.max_new_tokens = flags.max_new_tokens,
                .sampler = sampler ? &*sampler : nullptr,
                .stop_tokens = model.eos_tokens,
                .on_token = on_token,
                .decode = {.counts = &counts, .scores = nullptr, .lost_mass = false}});
  const bool stopped = generation.end == GenerateEnd::caller || stop.add(stream.finish());
  completion.end = name_of(stopped ? GenerateEnd::caller : generation.end);
  completion.text = stopped ? stop.text() : continuation_text(model, prompt, generation.tokens);
  completion.decode = counts.totals();
  return completion;
}

// Up to --max-new-tokens.
Listing estimate(LanguageModel& model, const std::vector<PolicyPlan>& plans, const Prompt& prompt,
                 const GenerateFlags& flags, Session& session) {
  DryRun dry("generate", session);
  dry.use(model.transformer, flags.kv);
  const std::int64_t begin = std::ssize(prompt.ids);
  const std::int64_t end = begin + flags.max_new_tokens;
  FedTokens read;
  FedTokens written;
  read.add(0, begin);
  written.add(begin, end);
  for (const PolicyPlan& plan : plans) {
    dry.add("completion", fmt::format("{} tokens after {}", flags.max_new_tokens, begin), plan.policy, read,
            written, end);
    dry.hold(cache_bytes(model.transformer.config(), end, plan.record.policy.prefilter, flags.kv));
  }
  return dry.listing();
}

Listing listing_of(const std::vector<Completion>& completions, const Prompt& prompt,
                   const LanguageModel& model, const Provenance& provenance) {
  Listing listing;
  listing.schema = "toptheta.generation/1";
  listing.about = {{"prompt", prompt.text},
                   {"model", {{"name", model.transformer.config().name}, {"sha256", model.sha256}}},
                   {"provenance", json_of(provenance)}};
  listing.columns = {{"policy", "policy", false},
                     {"new_tokens", "new tokens"},
                     {"kept_elements", "kept elements (fraction, decode)"},
                     {"v_rows", "V rows (fraction, decode)"},
                     {"tokens_per_second", "tokens/s (decode)"},
                     {"end", "end", false},
                     {"completion", "completion", false}};
  for (const Completion& completion : completions)
    listing.rows.push_back({completion.policy, completion.new_tokens,
                            json_number(completion.decode.kept_elements()),
                            json_number(completion.decode.v_rows()),
                            json_number(completion.tokens_per_second()), completion.end, completion.text});
  return listing;
}

// For the eye: each policy's text under its name, behind the prompt unless that is a template's.
std::string readable(const std::vector<Completion>& completions, const std::string& prompt) {
  std::string text;
  for (const Completion& completion : completions)
    text += fmt::format("{}== {} ==\n{}{}\n", text.empty() ? "" : "\n", completion.policy, prompt,
                        completion.text);
  return text;
}

class GenerateCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  void check_prompt() const;

  GenerateFlags flags_;
};

void GenerateCommand::declare(CLI::App& app) {
  declare_model(app, flags_.model);
  declare_compute(app, flags_.compute);
  declare_kv(app, flags_.kv);
  declare_strict(app, flags_.strict);
  app.add_option("--prompt", flags_.prompt, "The text to continue")->type_name("TEXT")->group(kInputGroup);
  app.add_option("--ids", flags_.ids, "The prompt as token ids: a .npy, .json or .jsonl file")
      ->type_name("FILE")
      ->group(kInputGroup);
  declare_chat(app, flags_.chat, kInputGroup,
               "Format --prompt with the model's chat template, as a message of the user");
  app.add_option("--max-new-tokens", flags_.max_new_tokens,
                 "Stop after this many tokens, or at a token that ends the text")
      ->type_name("N")
      ->check(positive())
      ->capture_default_str()
      ->group(kInputGroup);
  declare_stop(app, flags_.stop, kInputGroup, "End the text at this string, which is left out; repeatable");
  declare_sampling(app, flags_.sampling);
  declare_policies(app, flags_.policies);
  declare_dry_run(app, flags_.dry_run);
  add_format(
      app, flags_.format,
      "table = the texts, one below the other. By default, the ending of -o decides; without -o, a table");
  declare_output(app, flags_.output, "Write to this file instead of standard output");
}

void GenerateCommand::check_prompt() const {
  if (flags_.prompt.empty() && flags_.ids.empty())
    throw UsageError(
        {.where = "--prompt", .what = "not given", .expected = "a text to continue, or --ids FILE"});
  if (!flags_.prompt.empty() && !flags_.ids.empty())
    throw UsageError({.where = "--ids", .what = "contradicts --prompt", .expected = "one of them"});
  if (flags_.chat.chat && flags_.prompt.empty())
    throw UsageError(
        {.where = "--chat", .what = "needs a text to format with the template", .expected = "--prompt"});
  check_chat(flags_.chat);
  check_stop(flags_.stop);
}

void GenerateCommand::run(Session& session) {
  session.wait_passively();
  check_prompt();
  const std::vector<Policy> policies = resolve_policies(flags_.policies);
  const ResultFormat format = flags_.format.value_or(result_format_of(flags_.output));
  const std::vector<ThresholdFile> thresholds = load_thresholds(flags_.policies.thresholds, session.console);
  for (const ThresholdFile& file : thresholds)
    require_distinct(flags_.output, file.path, "-o");
  const std::filesystem::path directory = resolve_model(flags_.model, session);
  LanguageModel model =
      load_strictly(directory, resolve_compute(flags_.compute, session), flags_.strict, session);
  const ModelConfig& config = model.transformer.config();
  tell_notes(model.generation.notes, flags_.strict, session);
  const Prompt prompt = fitting_prompt(model, flags_);
  const std::vector<PolicyPlan> plans = plan_policies(policies, thresholds, config.shape, config.context);
  warn_of_idle_tables(policies, thresholds, session.console);
  if (flags_.dry_run)
    return write_output(flags_.output,
                        format_listing(estimate(model, plans, prompt, flags_, session), format));
  std::vector<Completion> completions;
  completions.reserve(plans.size());
  for (const PolicyPlan& plan : plans)
    completions.push_back(complete(model, plan, prompt, flags_, session));
  session.console.finish();
  Provenance provenance =
      session.provenance_of({flags_.policies.thresholds.begin(), flags_.policies.thresholds.end()});
  provenance.inputs.insert(provenance.inputs.begin(), InputFile{directory.string(), model.sha256});
  write_output(flags_.output, format == table_format()
                                  ? readable(completions, flags_.chat.chat ? std::string() : prompt.text)
                                  : format_listing(listing_of(completions, prompt, model, provenance), format,
                                                   layout_of(flags_.output)));
}

}  // namespace

std::unique_ptr<Command> make_generate_command() {
  return std::make_unique<GenerateCommand>();
}

}  // namespace toptheta::app
