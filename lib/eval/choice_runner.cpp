// Multiple choice: the log-likelihood of every candidate, with the part that all candidates share computed
// once.
#include <algorithm>

#include "eval/metrics.hpp"
#include "eval/runner_internal.hpp"

namespace toptheta::eval_detail {

namespace {

struct EncodedQuestion {
  std::vector<ScoredTokens> choices;
  std::int64_t shared = 0;  // leading ids that all choices share and none scores
};

EncodedQuestion encode(const LoadedModel& model, const MultipleChoiceExample& question,
                       std::int64_t context) {
  EncodedQuestion encoded;
  for (const Choice& choice : question.choices)
    encoded.choices.push_back(encode_pair(model.tokenizer, choice.context, choice.continuation,
                                          model.start_token, model.tokenizer.bos().has_value(), context + 1));
  const std::vector<std::int32_t>& first = encoded.choices.front().ids;
  encoded.shared = encoded.choices.front().first_scored - 1;
  for (const ScoredTokens& other : encoded.choices) {
    const auto same = std::mismatch(first.begin(), first.end(), other.ids.begin(), other.ids.end()).first;
    encoded.shared = std::min({encoded.shared, other.first_scored - 1, std::int64_t{same - first.begin()}});
  }
  return encoded;
}

// Feeds ids[begin, end) and calls use(index, logits of the row that predicts ids[index + 1]) from first_row
// on.
template <class Use>
void feed_range(PolicySession& session, const std::vector<std::int32_t>& ids, std::int64_t begin,
                std::int64_t end, std::int64_t first_row, std::size_t vocab, Use use) {
  for (std::int64_t at = begin; at < end; at += PolicySession::kPiece) {
    const std::int64_t stop = std::min(end, at + PolicySession::kPiece);
    const std::int64_t first = std::clamp(first_row, at, stop);
    const auto logits = session.feed({ids.data() + at, static_cast<std::size_t>(stop - at)}, first - at);
    for (std::int64_t row = first; row < stop; ++row)
      use(row, logits.subspan(static_cast<std::size_t>(row - first) * vocab, vocab));
  }
}

// Log-likelihood of every choice under one policy.
std::vector<double> log_likelihoods(PolicySession& session, const EncodedQuestion& question,
                                    std::size_t vocab) {
  session.start();
  feed_range(session, question.choices.front().ids, 0, question.shared, question.shared, vocab,
             [](std::int64_t, std::span<const float>) {});
  const PolicySession::Mark mark = session.mark();
  std::vector<double> result;
  for (const ScoredTokens& choice : question.choices) {
    session.rewind(mark);
    double sum = 0;
    feed_range(session, choice.ids, question.shared, static_cast<std::int64_t>(choice.ids.size()) - 1,
               choice.first_scored - 1, vocab, [&](std::int64_t row, std::span<const float> logits) {
                 const auto target = static_cast<std::size_t>(choice.ids[static_cast<std::size_t>(row) + 1]);
                 sum += static_cast<double>(logits[target]) - log_sum_exp(logits);
               });
    session.finish();
    result.push_back(sum);
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
    normalised.push_back(ll[c] /
                         static_cast<double>(std::max<std::int64_t>(question.choices[c].code_points, 1)));
  const auto label = static_cast<std::size_t>(question.label);
  const ScoredTokens& answer = encoded.choices[label];
  to.acc.push_back(argmax_of(ll) == question.label ? 1 : 0);
  to.acc_norm.push_back(argmax_of(normalised) == question.label ? 1 : 0);
  to.answer_nll.push_back(
      -ll[label] / static_cast<double>(static_cast<std::int64_t>(answer.ids.size()) - answer.first_scored));
}

}  // namespace

std::vector<RunResult> evaluate_questions(LoadedModel& model, const std::vector<PolicyPlan>& policies,
                                          const Task& task, const EvaluationOptions& options) {
  const std::int64_t context = context_of(model, options);
  const auto vocab = static_cast<std::size_t>(model.transformer.config().vocab_size);
  Sessions sessions;
  for (const PolicyPlan& plan : policies)
    sessions.emplace_back(model.transformer, plan.policy, context, options.phase);
  std::vector<QuestionRecord> records(policies.size());
  std::int64_t scored = 0;
  for (std::size_t q = 0; q < task.questions.size(); ++q) {
    const EncodedQuestion encoded = encode(model, task.questions[q], context);
    for (const ScoredTokens& choice : encoded.choices)
      scored += static_cast<std::int64_t>(choice.ids.size()) - choice.first_scored;
    for (std::size_t p = 0; p < policies.size(); ++p)
      record(task.questions[q], encoded, log_likelihoods(sessions[p], encoded, vocab), records[p]);
    report_progress(options, static_cast<std::int64_t>(q) + 1, task.examples());
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
