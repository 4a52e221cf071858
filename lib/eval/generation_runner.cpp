// Runs generation tasks: completions, greedy or drawn, are compared with the answer and handed to on_sample.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "eval/divergence.hpp"
#include "eval/metrics.hpp"
#include "eval/paired.hpp"
#include "eval/runner_internal.hpp"
#include "model/generate.hpp"
#include "tasks/answers.hpp"
#include "tokenizer/text_stream.hpp"

namespace toptheta::eval_detail {

namespace {

using Prompts = std::vector<GenerationExample>;

// A prompt's ids. Throws InputError unless the context has room for at least one token more.
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

// What is recorded of one policy over all prompts.
struct GenerationRecord {
  AttentionCounts decode;
  std::vector<std::vector<double>> exact_match;  // [ways to compare][prompts] 1 if right
  double seconds = 0;
  std::int64_t new_tokens = 0;
  std::int64_t cut_short = 0;  // completions that ended because the context was full
  std::int64_t steps = 0;      // decode steps: new tokens other than each completion's first
  double step_seconds = 0;     // time that these took
};

std::int64_t longest_completion(const GenerationExample& example, const EvaluationOptions& options) {
  const std::int64_t asked = options.generation.max_new_tokens;
  return asked > 0 ? asked : example.max_new_tokens;
}

// An example that is ready to be continued under any policy.
struct Continuing {
  const GenerationExample& example;
  std::span<const std::int32_t> prompt;
  std::vector<std::string> stop;    // the example's and the user's
  std::int64_t max_new_tokens = 0;  // not yet limited to what the context has room for
  std::int64_t context = 0;
  std::optional<SamplingOptions> sampling;
};

Continuing continuing(const LanguageModel& model, const GenerationExample& example, std::size_t index,
                      std::span<const std::int32_t> prompt, const EvaluationOptions& options) {
  Continuing result{example,
                    prompt,
                    example.stop,
                    longest_completion(example, options),
                    context_of(model, options),
                    sampling_of(options.generation.sampling, model.generation, options.seed)};
  result.stop.insert(result.stop.end(), options.generation.stop.begin(), options.generation.stop.end());
  if (result.sampling) result.sampling->stream = index;
  return result;
}

std::string generate_text(LanguageModel& model, const ResolvedPolicy& policy, const Continuing& work,
                          KvCache& cache, const EvaluationOptions& options, GenerationRecord& record) {
  using Clock = std::chrono::steady_clock;
  SequenceCounts counts(cache.shape(), cache.capacity(), Phase::decode, options.tile);
  TextStream stream(model.tokenizer);
  StopStrings stops(work.stop);
  const std::int64_t room = work.context - std::ssize(work.prompt);
  Clock::time_point first{};
  Clock::time_point last{};
  const auto on_token = [&](std::int32_t token) {
    last = Clock::now();
    if (first == Clock::time_point{}) first = last;
    return !stops.add(stream.push(token));
  };
  std::optional<Sampler> sampler;
  if (work.sampling) sampler.emplace(*work.sampling);
  const Clock::time_point begin = Clock::now();
  cache.truncate(0);
  const Generation generated = generate(
      model.transformer, cache, work.prompt, policy,
      {.max_new_tokens = std::min(work.max_new_tokens, room),
       .sampler = sampler ? &*sampler : nullptr,
       .stop_tokens = model.eos_tokens,
       .on_token = on_token,
       .decode = {.counts = &counts, .output_error = options.output_error && !is_dense(policy.policy())}});
  record.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
  record.new_tokens += std::ssize(generated.tokens);
  if (std::ssize(generated.tokens) > 1) {
    record.steps += std::ssize(generated.tokens) - 1;
    record.step_seconds += std::chrono::duration<double>(last - first).count();
  }
  if (room < work.max_new_tokens && generated.end == GenerateEnd::length) ++record.cut_short;
  record.decode.merge(counts.totals());
  const std::string text = model.tokenizer.decode(generated.tokens);
  return std::string(cut_at_stop(text, work.stop));
}

std::string metric_name(const AnswerMatch& match) {
  return match.name.empty() ? "exact_match" : "exact_match_" + match.name;
}

// Compares a completion with the answer in every way that the task asks for, and reports the sample.
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
    result.samples.emplace_back(metric_name(rule.matches[m]), own.exact_match[m]);
    if (dense != nullptr)
      result.paired.emplace_back(metric_name(rule.matches[m]),
                                 paired_difference(own.exact_match[m], dense->exact_match[m], true));
  }
  result.counts = {{"tokens", own.new_tokens}, {"cut_short", own.cut_short}};
  result.seconds.emplace_back("per_new_token",
                              own.seconds / static_cast<double>(std::max<std::int64_t>(own.new_tokens, 1)));
  if (own.steps > 0)
    result.seconds.emplace_back("per_decode_step", own.step_seconds / static_cast<double>(own.steps));
  return result;
}

}  // namespace

TaskCheck check_prompts(const LanguageModel& model, const Task& task, const EvaluationOptions& options) {
  const std::int64_t context = context_of(model, options);
  TaskCheck check;
  for (const GenerationExample& example : std::get<Prompts>(task.examples)) {
    const std::int64_t tokens = std::ssize(encode_fitting(model, task, example, context));
    const std::int64_t longest = std::min(context, tokens + longest_completion(example, options));
    check.longest = std::max(check.longest, longest);
    check.fed.add(0, tokens);
    check.decoded.add(tokens, longest);
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
            generate_text(model, policies[p].policy, continuing(model, prompts[e], e, prompt, options), cache,
                          options, records[p]),
            records[p]);
    report_progress(options, static_cast<std::int64_t>(e) + 1, task.size());
  }
  const auto reference = reference_of(policies);
  std::vector<RunResult> results;
  results.reserve(policies.size());
  for (std::size_t p = 0; p < policies.size(); ++p)
    results.push_back(result_of(policies[p], task, rule, records[p],
                                reference && *reference != p ? &records[*reference] : nullptr));
  return results;
}

}  // namespace toptheta::eval_detail
