// Generation tasks: greedy decoding, exact match.
#include <fmt/format.h>

#include <chrono>

#include "core/error.hpp"
#include "eval/metrics.hpp"
#include "eval/runner_internal.hpp"
#include "model/generate.hpp"
#include "tasks/answers.hpp"

namespace toptheta::eval_detail {

namespace {

std::vector<std::int32_t> encode_fitting(const LanguageModel& model, const Task& task,
                                         const GenerationExample& example, std::size_t index,
                                         std::int64_t context) {
  std::vector<std::int32_t> ids = encode_prompt(model, example.prompt);
  const std::int64_t needed = static_cast<std::int64_t>(ids.size()) + example.max_new_tokens;
  if (needed > context)
    throw InputError(
        {.where = fmt::format("{}: example {}", task.path, index + 1),
         .what = "prompt and answer do not fit the context",
         .expected = fmt::format("at most {} tokens", context),
         .found = fmt::format("{} of the prompt and max_new_tokens {}", ids.size(), example.max_new_tokens),
         .next = "shorten the prompt or max_new_tokens"});
  return ids;
}

// What one policy's run over the prompts saw.
struct GenerationRecord {
  AttentionCounts decode;
  std::vector<double> exact_match;
  double seconds = 0;
  std::int64_t new_tokens = 0;
};

std::string generate_text(LanguageModel& model, const ResolvedPolicy& policy,
                          const GenerationExample& example, std::span<const std::int32_t> prompt,
                          KvCache& cache, TileSize tile, GenerationRecord& record) {
  SequenceCounts counts(cache.shape(), cache.capacity(), Phase::decode, tile);
  std::vector<std::int32_t> so_far;
  const auto on_token = [&](std::int32_t token) {
    so_far.push_back(token);
    const std::string text = model.tokenizer.decode(so_far);
    return cut_at_stop(text, example.stop).size() == text.size();
  };
  const auto begin = std::chrono::steady_clock::now();
  cache.truncate(0);
  generate(model.transformer, cache, prompt, policy,
           {.max_new_tokens = example.max_new_tokens,
            .stop_tokens = model.eos_tokens,
            .on_token = on_token,
            .decode = {.counts = &counts}});
  record.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  record.new_tokens += static_cast<std::int64_t>(so_far.size());
  record.decode.merge(counts.totals());
  const std::string text = model.tokenizer.decode(so_far);
  return std::string(cut_at_stop(text, example.stop));
}

}  // namespace

std::vector<RunResult> evaluate_prompts(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                        const Task& task, const EvaluationOptions& options) {
  const auto& prompts = std::get<std::vector<GenerationExample>>(task.examples);
  const std::int64_t context = context_of(model, options);
  const ModelShape& shape = model.transformer.config().shape;
  KvCache cache = model.transformer.new_cache(context, Prefilter::none, options.kv);
  std::vector<GenerationRecord> records(policies.size());
  for (GenerationRecord& record : records)
    record.decode = AttentionCounts(shape);
  for (std::size_t e = 0; e < prompts.size(); ++e) {
    const std::vector<std::int32_t> prompt = encode_fitting(model, task, prompts[e], e, context);
    for (std::size_t p = 0; p < policies.size(); ++p) {
      const std::string text =
          generate_text(model, policies[p].policy, prompts[e], prompt, cache, options.tile, records[p]);
      if (prompts[e].rule != AnswerRule::none)
        records[p].exact_match.push_back(is_right(prompts[e], text) ? 1 : 0);
    }
    report_progress(options, static_cast<std::int64_t>(e) + 1, task.size());
  }
  std::vector<RunResult> results;
  for (std::size_t p = 0; p < policies.size(); ++p) {
    results.push_back(start_result(policies[p], task, Phase::decode, records[p].decode, records[p].seconds));
    if (!records[p].exact_match.empty())
      results.back().metrics = {{"exact_match", mean_of(records[p].exact_match)}};
    results.back().counts = {{"tokens", records[p].new_tokens}};
  }
  return results;
}

}  // namespace toptheta::eval_detail
