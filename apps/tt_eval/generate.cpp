// tt-eval generate: continues a prompt under one or several policies.
#include <fmt/format.h>

#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "eval/runner.hpp"
#include "model/generate.hpp"
#include "report/json.hpp"
#include "report/listing.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/model_flags.hpp"
#include "tt_eval/policy_flags.hpp"
#include "tt_eval/policy_plans.hpp"

namespace toptheta::app {

namespace {

struct GenerateFlags {
  std::string model{};
  Compute compute = Compute::f32;
  KvType kv = KvType::f32;
  std::string prompt{};
  std::int64_t max_new_tokens = 64;
  PolicyFlags policies{};
  std::optional<ResultFormat> format{};
  std::string output{};
};

struct Completion {
  std::string policy;
  std::string text;
  std::int64_t new_tokens = 0;
  AttentionCounts decode;
};

std::vector<std::int32_t> encode_fitting(const LanguageModel& model, const GenerateFlags& flags) {
  std::vector<std::int32_t> ids = encode_prompt(model, flags.prompt);
  const std::int64_t needed = static_cast<std::int64_t>(ids.size()) + flags.max_new_tokens;
  const std::int64_t context = model.transformer.config().context;
  if (needed > context)
    throw UsageError(
        {.where = "--prompt",
         .what = "prompt and continuation do not fit the model's context",
         .expected = fmt::format("at most {} tokens", context),
         .found = fmt::format("{} of the prompt and --max-new-tokens {}", ids.size(), flags.max_new_tokens),
         .next = "shorten the prompt or lower --max-new-tokens"});
  return ids;
}

Completion complete(LanguageModel& model, const PolicyPlan& plan, std::span<const std::int32_t> prompt,
                    const GenerateFlags& flags, Session& session) {
  const ModelShape& shape = model.transformer.config().shape;
  KvCache cache = model.transformer.new_cache(static_cast<std::int64_t>(prompt.size()) + flags.max_new_tokens,
                                              plan.record.policy.prefilter, flags.kv);
  SequenceCounts counts(shape, cache.capacity(), Phase::decode);
  Completion completion{describe(plan.record.policy), {}, 0, {}};
  const auto on_token = [&](std::int32_t /*token*/) {
    session.console.progress(completion.policy, ++completion.new_tokens, flags.max_new_tokens, "tokens");
    return true;
  };
  const Generation generation =
      generate(model.transformer, cache, prompt, plan.policy,
               {.max_new_tokens = flags.max_new_tokens,
                .stop_tokens = model.eos_tokens,
                .on_token = on_token,
                .decode = {.counts = &counts, .scores = nullptr, .lost_mass = false}});
  completion.text = model.tokenizer.decode(generation.tokens);
  completion.decode = counts.totals();
  return completion;
}

Listing listing_of(const std::vector<Completion>& completions, const GenerateFlags& flags,
                   const LanguageModel& model, const Provenance& provenance) {
  Listing listing;
  listing.schema = "toptheta.generation/1";
  listing.about = {{"prompt", flags.prompt},
                   {"model", {{"name", model.transformer.config().name}, {"sha256", model.sha256}}},
                   {"provenance", json_of(provenance)}};
  listing.columns = {{"policy", "policy", false},
                     {"new_tokens", "new tokens"},
                     {"kept_elements", "kept elements (fraction, decode)"},
                     {"v_rows", "V rows (fraction, decode)"},
                     {"completion", "completion", false}};
  for (const Completion& completion : completions)
    listing.rows.push_back({completion.policy, completion.new_tokens,
                            json_number(completion.decode.kept_elements()),
                            json_number(completion.decode.v_rows()), completion.text});
  return listing;
}

// For the eye: each policy's text under its name.
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
  GenerateFlags flags_;
};

void GenerateCommand::declare(CLI::App& app) {
  declare_model(app, flags_.model);
  declare_compute(app, flags_.compute);
  declare_kv(app, flags_.kv);
  app.add_option("--prompt", flags_.prompt, "The text to continue")->type_name("TEXT")->group(kInputGroup);
  app.add_option("--max-new-tokens", flags_.max_new_tokens,
                 "Stop after so many tokens, or at the end of the text")
      ->type_name("N")
      ->check(positive())
      ->capture_default_str()
      ->group(kInputGroup);
  declare_policies(app, flags_.policies);
  add_format(app, flags_.format,
             "table = the texts, one below the other. Default: by the ending of -o, else that");
  declare_output(app, flags_.output, "Write here instead of standard output");
}

void GenerateCommand::run(Session& session) {
  session.wait_passively();
  if (flags_.prompt.empty())
    throw UsageError({.where = "--prompt", .what = "not given", .expected = "a text to continue"});
  const std::vector<Policy> policies = resolve_policies(flags_.policies);
  const ResultFormat format = flags_.format.value_or(result_format_of(flags_.output));
  const std::vector<ThresholdFile> thresholds = load_thresholds(flags_.policies.thresholds);
  for (const ThresholdFile& file : thresholds)
    require_distinct(flags_.output, file.path, "-o");
  const std::filesystem::path directory = resolve_model(flags_.model, session);
  LanguageModel model = load_language_model(directory, resolve_compute(flags_.compute, session));
  const ModelConfig& config = model.transformer.config();
  const std::vector<std::int32_t> prompt = encode_fitting(model, flags_);
  std::vector<Completion> completions;
  for (const PolicyPlan& plan : plan_policies(policies, thresholds, config.shape, config.context))
    completions.push_back(complete(model, plan, prompt, flags_, session));
  session.console.finish();
  Provenance provenance =
      session.provenance_of({flags_.policies.thresholds.begin(), flags_.policies.thresholds.end()});
  provenance.inputs.insert(provenance.inputs.begin(), InputFile{directory.string(), model.sha256});
  write_output(flags_.output,
               format == table_format()
                   ? readable(completions, flags_.prompt)
                   : format_listing(listing_of(completions, flags_, model, provenance), format));
}

}  // namespace

std::unique_ptr<Command> make_generate_command() {
  return std::make_unique<GenerateCommand>();
}

}  // namespace toptheta::app
