// Multiple choice: the log-likelihood of every candidate, with the part that all candidates share computed
// once.
#include <algorithm>

#include "eval/likelihood.hpp"
#include "eval/runner_internal.hpp"

namespace toptheta::eval_detail {

namespace {

struct EncodedQuestion {
  std::vector<TokenPair> choices;
  std::int64_t shared = 0;  // leading ids that all choices share and none scores
};

EncodedQuestion encode(const LanguageModel& model, const MultipleChoiceExample& question,
                       std::int64_t context) {
  EncodedQuestion encoded;
  for (std::int64_t c = 0; c < question.num_choices(); ++c)
    encoded.choices.push_back(encode_example(model, question.context(c),
                                             question.continuations[static_cast<std::size_t>(c)], context));
  const std::vector<std::int32_t>& first = encoded.choices.front().ids;
  encoded.shared = encoded.choices.front().context_tokens - 1;
  for (const TokenPair& other : encoded.choices) {
    const auto same = std::mismatch(first.begin(), first.end(), other.ids.begin(), other.ids.end()).first;
    encoded.shared = std::min({encoded.shared, other.context_tokens - 1, std::int64_t{same - first.begin()}});
  }
  return encoded;
}

// Log-likelihood of every choice under one policy.
std::vector<double> log_likelihoods(PolicySession& session, const EncodedQuestion& question,
                                    std::size_t vocab) {
  session.start();
  feed_prefix(session, question.choices.front().ids, question.shared,
              question.choices.front().context_tokens);
  const PolicySession::Mark mark = session.mark();
  std::vector<double> result;
  for (const TokenPair& choice : question.choices) {
    session.rewind(mark);
    result.push_back(
        score(session, choice.ids, question.shared, choice.context_tokens, vocab).log_probability);
    session.finish();
  }
  return result;
}

struct QuestionRecord {
  std::vector<double> acc;         // 1 where right
  std::vector<double> acc_norm;    // the same with length-normalised likelihoods
  std::vector<double> answer_nll;  // nats per token of the right choice
};

void record(const MultipleChoiceExample& question, const EncodedQuestion& encoded,
            const std::vector<double>& ll, QuestionRecord& to) {
  std::vector<double> normalised;
  for (std::size_t c = 0; c < ll.size(); ++c)
    normalised.push_back(ll[c] / static_cast<double>(question.lengths[c]));
  const auto label = static_cast<std::size_t>(question.label);
  const TokenPair& answer = encoded.choices[label];
  to.acc.push_back(argmax_of(ll) == question.label ? 1 : 0);
  to.acc_norm.push_back(argmax_of(normalised) == question.label ? 1 : 0);
  to.answer_nll.push_back(
      -ll[label] / static_cast<double>(static_cast<std::int64_t>(answer.ids.size()) - answer.context_tokens));
}

}  // namespace

std::vector<RunResult> evaluate_questions(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                          const Task& task, const EvaluationOptions& options) {
  const auto& questions = std::get<std::vector<MultipleChoiceExample>>(task.examples);
  const std::int64_t context = context_of(model, options);
  const auto vocab = static_cast<std::size_t>(model.transformer.config().vocab_size);
  Sessions sessions = make_sessions(model, policies, context, options);
  std::vector<QuestionRecord> records(policies.size());
  std::int64_t scored = 0;
  for (std::size_t q = 0; q < questions.size(); ++q) {
    const EncodedQuestion encoded = encode(model, questions[q], context);
    for (const TokenPair& choice : encoded.choices)
      scored += static_cast<std::int64_t>(choice.ids.size()) - choice.context_tokens;
    for (std::size_t p = 0; p < policies.size(); ++p)
      record(questions[q], encoded, log_likelihoods(sessions[p], encoded, vocab), records[p]);
    report_progress(options, static_cast<std::int64_t>(q) + 1, task.size());
  }
  std::vector<RunResult> results;
  for (std::size_t p = 0; p < policies.size(); ++p) {
    RunResult result =
        start_result(policies[p], task, options.phase, sessions[p].totals(), sessions[p].seconds());
    result.metrics = {{"acc", mean_of(records[p].acc)},
                      {"acc_norm", mean_of(records[p].acc_norm)},
                      {"answer_nll", mean_of(records[p].answer_nll)}};
    result.counts = {{"tokens", scored}, {"fed_tokens", sessions[p].fed_tokens()}};
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace toptheta::eval_detail
