// Generation tasks: greedy decoding; completions are compared with the answer, or written out.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "eval/divergence.hpp"
#include "eval/metrics.hpp"
#include "eval/paired.hpp"
#include "eval/runner_internal.hpp"
#include "eval/text_stream.hpp"
#include "model/generate.hpp"
#include "tasks/answers.hpp"

namespace toptheta::eval_detail {

namespace {

using Prompts = std::vector<GenerationExample>;

// A prompt's ids, and room for at least one new token.
std::vector<std::int32_t> encode_fitting(const LanguageModel& model, const Task& task,
                                         const GenerationExample& example, std::int64_t context) {
  std::vector<std::int32_t> ids = encode_prompt(model, example.prompt);
  if (std::ssize(ids) >= context)
    throw InputError({.where = example.place.empty() ? task.path : example.place,
                      .what = "the prompt leaves no room in the context",
                      .expected = fmt::format("less than {} tokens", context),
                      .found = fmt::format("{} tokens", ids.size()),
                      .next = "shorten the prompt, or show fewer solved examples"});
  return ids;
}

// What one policy's run over the prompts saw.
struct GenerationRecord {
  AttentionCounts decode;
  std::vector<std::vector<double>> exact_match;  // of each way to compare
  double seconds = 0;
  std::int64_t new_tokens = 0;
  std::int64_t cut_short = 0;  // completions that the context's end cut
};

// Whether a text that grows holds a stop; looks at what is new only.
class StopSearch {
 public:
  explicit StopSearch(const std::vector<std::string>& stop) : stop_(stop) {
    for (const std::string& text : stop)
      longest_ = std::max(longest_, text.size());
  }
  // `text` ends in `added` new bytes.
  [[nodiscard]] bool found_in(std::string_view text, std::size_t added) const {
    const std::size_t tail = std::min(text.size(), added + longest_);
    const std::string_view recent = text.substr(text.size() - tail);
    return std::ranges::any_of(
        stop_, [recent](const std::string& mark) { return recent.find(mark) != std::string_view::npos; });
  }

 private:
  const std::vector<std::string>& stop_;
  std::size_t longest_ = 0;
};

std::string generate_text(LanguageModel& model, const ResolvedPolicy& policy,
                          const GenerationExample& example, std::span<const std::int32_t> prompt,
                          std::int64_t context, KvCache& cache, TileSize tile, GenerationRecord& record) {
  SequenceCounts counts(cache.shape(), cache.capacity(), Phase::decode, tile);
  TextStream stream(model.tokenizer);
  const StopSearch stops(example.stop);
  const std::int64_t room = context - std::ssize(prompt);
  const auto on_token = [&](std::int32_t token) {
    const std::size_t added = stream.push(token).size();
    return added == 0 || !stops.found_in(stream.text(), added);
  };
  const auto begin = std::chrono::steady_clock::now();
  cache.truncate(0);
  const Generation generated = generate(model.transformer, cache, prompt, policy,
                                        {.max_new_tokens = std::min(example.max_new_tokens, room),
                                         .stop_tokens = model.eos_tokens,
                                         .on_token = on_token,
                                         .decode = {.counts = &counts}});
  record.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  record.new_tokens += std::ssize(generated.tokens);
  if (room < example.max_new_tokens && generated.end == GenerateEnd::length) ++record.cut_short;
  record.decode.merge(counts.totals());
  const std::string text = model.tokenizer.decode(generated.tokens);
  return std::string(cut_at_stop(text, example.stop));
}

std::string metric_name(const AnswerMatch& match) {
  return match.name.empty() ? "exact_match" : "exact_match_" + match.name;
}

// Compares, and tells whoever wants to know.
void judge(const EvaluationOptions& options, const Task& task, const AnswerRule& rule, std::size_t policy,
           std::size_t e, const std::string& text, GenerationRecord& record) {
  const GenerationExample& example = std::get<Prompts>(task.examples)[e];
  Sample sample{
      .task = task, .policy = policy, .example = static_cast<std::int64_t>(e), .place = example.place};
  for (std::size_t m = 0; m < rule.matches.size(); ++m) {
    const double right = is_right(rule.matches[m], example.answer, text) ? 1 : 0;
    record.exact_match[m].push_back(right);
    sample.metrics.emplace_back(metric_name(rule.matches[m]), right);
  }
  if (!options.on_sample) return;
  sample.id = example.id;
  sample.prompt_sha256 = sha256_of_text(example.prompt);
  sample.completion = text;
  options.on_sample(sample);
}

RunResult result_of(const PolicyPlan& plan, const Task& task, const AnswerRule& rule,
                    const GenerationRecord& own, const GenerationRecord* dense) {
  RunResult result = start_result(plan, task, Phase::decode, own.decode, own.seconds);
  for (std::size_t m = 0; m < rule.matches.size(); ++m) {
    result.metrics.emplace_back(metric_name(rule.matches[m]), proportion_of(own.exact_match[m]));
    if (dense != nullptr)
      result.paired.emplace_back(metric_name(rule.matches[m]),
                                 paired_difference(own.exact_match[m], dense->exact_match[m], true));
  }
  result.counts = {{"tokens", own.new_tokens}, {"cut_short", own.cut_short}};
  result.seconds.emplace_back("per_new_token",
                              own.seconds / static_cast<double>(std::max<std::int64_t>(own.new_tokens, 1)));
  return result;
}

}  // namespace

TaskCheck check_prompts(const LanguageModel& model, const Task& task, const EvaluationOptions& options) {
  const std::int64_t context = context_of(model, options);
  TaskCheck check;
  for (const GenerationExample& example : std::get<Prompts>(task.examples)) {
    const std::int64_t tokens = std::ssize(encode_fitting(model, task, example, context));
    check.longest = std::max(check.longest, std::min(context, tokens + example.max_new_tokens));
  }
  return check;
}

std::vector<RunResult> evaluate_prompts(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                        const Task& task, const EvaluationOptions& options) {
  const auto& prompts = std::get<Prompts>(task.examples);
  const std::int64_t context = context_of(model, options);
  KvCache cache =
      model.transformer.new_cache(check_prompts(model, task, options).longest, Prefilter::none, options.kv);
  const AnswerRule rule = task.answer ? *task.answer : AnswerRule{{AnswerMatch{}}};
  std::vector<GenerationRecord> records(policies.size());
  for (GenerationRecord& record : records) {
    record.decode = AttentionCounts(model.transformer.config().shape);
    record.exact_match.resize(rule.matches.size());
  }
  report_progress(options, 0, task.size());
  for (std::size_t e = 0; e < prompts.size(); ++e) {
    const std::vector<std::int32_t> prompt = encode_fitting(model, task, prompts[e], context);
    for (std::size_t p = 0; p < policies.size(); ++p)
      judge(options, task, rule, p, e,
            generate_text(model, policies[p].policy, prompts[e], prompt, context, cache, options.tile,
                          records[p]),
            records[p]);
    report_progress(options, static_cast<std::int64_t>(e) + 1, task.size());
  }
  const auto reference = reference_of(policies);
  std::vector<RunResult> results;
  for (std::size_t p = 0; p < policies.size(); ++p)
    results.push_back(result_of(policies[p], task, rule, records[p],
                                reference && *reference != p ? &records[*reference] : nullptr));
  return results;
}

}  // namespace toptheta::eval_detail
