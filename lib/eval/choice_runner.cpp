// Runs multiple-choice tasks: the log-likelihood of every choice. The beginning that all choices of a
// question share is fed only once.
#include <algorithm>

#include "core/sha256.hpp"
#include "eval/likelihood.hpp"
#include "eval/metrics.hpp"
#include "eval/paired.hpp"
#include "eval/runner_internal.hpp"

namespace toptheta::eval_detail {

namespace {

using Questions = std::vector<MultipleChoiceExample>;

struct EncodedQuestion {
  std::vector<TokenPair> choices;
  std::int64_t shared = 0;  // number of leading ids that all choices share and that none of them scores
};

EncodedQuestion encode(const LanguageModel& model, const MultipleChoiceExample& question,
                       std::int64_t context, std::int64_t& truncated) {
  EncodedQuestion encoded;
  for (std::int64_t c = 0; c < question.num_choices(); ++c)
    encoded.choices.push_back(encode_example(model, question.context(c),
                                             question.continuations[static_cast<std::size_t>(c)], context,
                                             question.place, truncated));
  const std::vector<std::int32_t>& first = encoded.choices.front().ids;
  encoded.shared = encoded.choices.front().context_tokens - 1;
  for (const TokenPair& other : encoded.choices) {
    const auto same = std::mismatch(first.begin(), first.end(), other.ids.begin(), other.ids.end()).first;
    encoded.shared = std::min({encoded.shared, other.context_tokens - 1, std::int64_t{same - first.begin()}});
  }
  return encoded;
}

std::int64_t scored_tokens(const TokenPair& choice) {
  return static_cast<std::int64_t>(choice.ids.size()) - choice.context_tokens;
}

// Log-likelihood of every choice under one policy.
std::vector<double> log_likelihoods(PolicySession& session, const EncodedQuestion& question,
                                    std::size_t vocab, DivergenceMeter& meter) {
  session.start();
  feed_prefix(session, question.choices.front().ids, question.shared,
              question.choices.front().context_tokens);
  const PolicySession::Mark mark = session.mark();
  std::vector<double> result;
  for (const TokenPair& choice : question.choices) {
    session.rewind(mark);
    result.push_back(
        score(session, choice.ids, question.shared, choice.context_tokens, vocab, meter).log_probability);
    session.finish();
  }
  return result;
}

struct QuestionRecord {
  std::vector<double> acc;         // 1 where right
  std::vector<double> acc_norm;    // the same with length-normalised likelihoods
  std::vector<double> answer_nll;  // nats per token of the right choice
};

// Appends the question's metrics to `to`, and returns the choice taken.
std::int64_t record(const MultipleChoiceExample& question, const EncodedQuestion& encoded,
                    const std::vector<double>& ll, QuestionRecord& to) {
  std::vector<double> normalised;
  normalised.reserve(ll.size());
  for (std::size_t c = 0; c < ll.size(); ++c)
    normalised.push_back(ll[c] / static_cast<double>(question.lengths[c]));
  const auto label = static_cast<std::size_t>(question.label);
  const TokenPair& answer = encoded.choices[label];
  const std::int64_t taken = argmax_of(ll);
  to.acc.push_back(taken == question.label ? 1 : 0);
  to.acc_norm.push_back(argmax_of(normalised) == question.label ? 1 : 0);
  to.answer_nll.push_back(-ll[label] / static_cast<double>(scored_tokens(answer)));
  return taken;
}

class QuestionRunner {
 public:
  QuestionRunner(LanguageModel& model, const std::vector<PolicyPlan>& policies, const Task& task,
                 const EvaluationOptions& options)
      : model_(model),
        policies_(policies),
        task_(task),
        options_(options),
        vocab_(static_cast<std::size_t>(model.transformer.config().vocab_size)),
        sessions_(model, policies, check_questions(model, task, options).longest, true, options),
        meter_(policies, vocab_),
        records_(policies.size()) {}

  void run() {
    const auto& questions = std::get<Questions>(task_.examples);
    const std::int64_t context = context_of(model_, options_);
    report_progress(options_, 0, task_.size());
    for (std::size_t q = 0; q < questions.size(); ++q) {
      const EncodedQuestion encoded = encode(model_, questions[q], context, truncated_);
      for (const TokenPair& choice : encoded.choices)
        scored_ += scored_tokens(choice);
      meter_.start();
      for (const std::size_t p : meter_.order()) {
        meter_.begin(p);
        const std::vector<double> ll = log_likelihoods(sessions_[p], encoded, vocab_, meter_);
        const std::int64_t taken = record(questions[q], encoded, ll, records_[p]);
        if (options_.on_sample) report(p, q, encoded, ll, taken);
      }
      report_progress(options_, static_cast<std::int64_t>(q) + 1, task_.size());
    }
  }

  [[nodiscard]] RunResult result(std::size_t p) const {
    const QuestionRecord& own = records_[p];
    RunResult result =
        start_result(policies_[p], task_, options_.phase, sessions_[p].totals(), sessions_[p].seconds());
    result.metrics = {{"acc", proportion_of(own.acc)},
                      {"acc_norm", proportion_of(own.acc_norm)},
                      {"answer_nll", mean_of(own.answer_nll)}};
    add_divergence(meter_.record_of(p), result.metrics);
    if (const auto reference = meter_.reference(); reference && *reference != p) {
      const QuestionRecord& dense = records_[*reference];
      result.paired = {{"acc", paired_difference(own.acc, dense.acc, true)},
                       {"acc_norm", paired_difference(own.acc_norm, dense.acc_norm, true)},
                       {"answer_nll", paired_difference(own.answer_nll, dense.answer_nll, false)}};
    }
    result.samples = {{"acc", own.acc}, {"acc_norm", own.acc_norm}, {"answer_nll", own.answer_nll}};
    result.counts = {
        {"tokens", scored_}, {"fed_tokens", sessions_[p].fed_tokens()}, {"truncated", truncated_}};
    return result;
  }

 private:
  void report(std::size_t p, std::size_t q, const EncodedQuestion& encoded, const std::vector<double>& ll,
              std::int64_t taken) const {
    const MultipleChoiceExample& question = std::get<Questions>(task_.examples)[q];
    Sample sample{
        .task = task_, .policy = p, .example = static_cast<std::int64_t>(q), .place = question.place};
    sample.prompt_sha256 = sha256_of_text(question.context(0));
    sample.log_likelihoods = ll;
    for (const TokenPair& choice : encoded.choices)
      sample.tokens.push_back(scored_tokens(choice));
    sample.answer = taken;
    sample.label = question.label;
    sample.metrics = {{"acc", records_[p].acc.back()}, {"acc_norm", records_[p].acc_norm.back()}};
    options_.on_sample(sample);
  }

  LanguageModel& model_;
  const std::vector<PolicyPlan>& policies_;
  const Task& task_;
  const EvaluationOptions& options_;
  std::size_t vocab_;
  Sessions sessions_;
  DivergenceMeter meter_;
  std::vector<QuestionRecord> records_;
  std::int64_t scored_ = 0;
  std::int64_t truncated_ = 0;
};

}  // namespace

TaskCheck check_questions(const LanguageModel& model, const Task& task, const EvaluationOptions& options) {
  TaskCheck check;
  for (const MultipleChoiceExample& question : std::get<Questions>(task.examples)) {
    const EncodedQuestion encoded = encode(model, question, context_of(model, options), check.truncated);
    check.fed.add(0, encoded.shared);
    for (const TokenPair& choice : encoded.choices) {
      check.longest = std::max(check.longest, std::ssize(choice.ids));
      check.fed.add(encoded.shared, std::ssize(choice.ids) - 1);
    }
  }
  return check;
}

std::vector<RunResult> evaluate_questions(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                          const Task& task, const EvaluationOptions& options) {
  QuestionRunner runner(model, policies, task, options);
  runner.run();
  std::vector<RunResult> results;
  results.reserve(policies.size());
  for (std::size_t p = 0; p < policies.size(); ++p)
    results.push_back(runner.result(p));
  return results;
}

}  // namespace toptheta::eval_detail
