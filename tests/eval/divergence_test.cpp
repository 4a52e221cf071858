// The figures of llama-perplexity's table against a plain computation from the model's own logits.
#include <algorithm>
#include <cmath>

#include "eval/runner.hpp"
#include "support/catch.hpp"
#include "support/embedded_model.hpp"

using namespace toptheta;
using testing::embedded;

namespace {

constexpr std::int64_t kChunk = 48;
const std::string kStory =
    "Story: Leo has a bee. Hal works as a smith. The black box opens with 1337. Dan eats rice. The code of "
    "the white "
    "box is 2412. Someone left the cup in the porch. Mia keeps a fox. Question: What is the code of the "
    "white box? "
    "Answer: 2412. Story: Ivy has a cat. Tom works as a cook. The red box opens with 4711. Ann eats figs.\n";

using Rows = std::vector<std::vector<double>>;

// ln p of every token after each of the window's tokens from `first` on.
Rows log_probabilities(const ResolvedPolicy& policy, const std::vector<std::int32_t>& window,
                       std::size_t first) {
  Transformer& model = embedded().transformer;
  KvCache cache(model.config().shape, static_cast<std::int64_t>(window.size()));
  const auto logits =
      model.forward(window, cache, policy, {.first_logit_row = static_cast<std::int64_t>(first)});
  const auto vocab = static_cast<std::size_t>(model.config().vocab_size);
  Rows rows;
  for (std::size_t r = first; r < window.size(); ++r) {
    const auto row = logits.subspan((r - first) * vocab, vocab);
    double sum = 0;
    for (const float x : row)
      sum += std::exp(static_cast<double>(x));
    rows.emplace_back();
    for (const float x : row)
      rows.back().push_back(static_cast<double>(x) - std::log(sum));
  }
  return rows;
}

struct Plain {
  std::vector<double> nll, kl, change;
  double same = 0;
};

std::size_t largest(const std::vector<double>& row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

// Windows of kChunk tokens, each with BOS for its first where the tokenizer puts one; the tokens behind
// position kChunk / 2 are scored.
Plain plain(const ResolvedPolicy& policy) {
  std::vector<std::int32_t> stream = embedded().tokenizer.encode(kStory);
  const auto bos = embedded().tokenizer.bos();
  if (bos) stream.insert(stream.begin(), *bos);
  const ResolvedPolicy dense = dense_policy(embedded().transformer.config().shape);
  Plain result;
  for (std::size_t begin = 0; begin + kChunk <= stream.size(); begin += kChunk) {
    std::vector<std::int32_t> window(stream.begin() + static_cast<std::ptrdiff_t>(begin),
                                     stream.begin() + static_cast<std::ptrdiff_t>(begin + kChunk));
    if (bos) window.front() = *bos;
    const std::size_t first = kChunk / 2;
    const Rows p = log_probabilities(dense, window, first);
    const Rows q = log_probabilities(policy, window, first);
    for (std::size_t r = first; r + 1 < kChunk; ++r) {
      const auto token = static_cast<std::size_t>(window[r + 1]);
      const std::vector<double>& a = p[r - first];
      const std::vector<double>& b = q[r - first];
      double kl = 0;
      for (std::size_t t = 0; t < a.size(); ++t)
        kl += std::exp(a[t]) * (a[t] - b[t]);
      result.nll.push_back(-b[token]);
      result.kl.push_back(kl);
      result.change.push_back(std::exp(b[token]) - std::exp(a[token]));
      result.same += largest(a) == largest(b) ? 1 : 0;
    }
  }
  result.same /= static_cast<double>(result.nll.size());
  return result;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double x : values)
    sum += x;
  return sum / static_cast<double>(values.size());
}

// At the share of the way from the first to the last of the sorted values.
double at_share(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

}  // namespace

TEST_CASE("chunked perplexity, divergence and change in probability are llama-perplexity's", "[divergence]") {
  const Policy topk{.selection = Selection::topk, .k = 6};
  const ResolvedPolicy resolved(topk, embedded().transformer.config().shape, 1024, nullptr, "");
  Task task;
  task.name = "t";
  task.examples = std::vector<TextDocument>{{"t", kStory, {}}};
  const std::vector<PolicyPlan> plans{{dense_policy(embedded().transformer.config().shape), {}},
                                      {resolved, {.policy = topk}}};
  const RunResult run = evaluate(embedded(), plans, task, {.ppl_chunk = kChunk})[1];
  const auto value = [&run](const std::string& name) {
    INFO(name);
    REQUIRE(run.metric(name) != nullptr);
    return run.metric(name)->value;
  };
  const Plain expected = plain(resolved);
  REQUIRE(expected.nll.size() >= 2 * (kChunk / 2 - 1));
  CHECK(value("perplexity_chunked") == Approx(std::exp(mean(expected.nll))).epsilon(1e-5));
  CHECK(value("kl_chunked") == Approx(mean(expected.kl)).epsilon(1e-4));
  CHECK(value("kl_median_chunked") == Approx(at_share(expected.kl, 0.5)).epsilon(1e-3));
  CHECK(value("kl_p99_chunked") == Approx(at_share(expected.kl, 0.99)).epsilon(1e-4));
  CHECK(value("kl_max_chunked") == Approx(at_share(expected.kl, 1)).epsilon(1e-4));
  CHECK(value("same_top_chunked") == Approx(expected.same));
  CHECK(value("delta_p_chunked") == Approx(mean(expected.change)).epsilon(1e-4).margin(1e-7));
  std::vector<double> squares;
  for (const double x : expected.change)
    squares.push_back(x * x);
  const double root = std::sqrt(mean(squares));
  CHECK(value("delta_p_rms_chunked") == Approx(root).epsilon(1e-4));
  CHECK(value("delta_p_p25_chunked") == Approx(at_share(expected.change, 0.25)).epsilon(1e-3).margin(1e-6));
  CHECK(value("delta_p_p99.9_chunked") == Approx(at_share(expected.change, 0.999)).epsilon(1e-3));
  // Errors to first order: sd / sqrt(n) of the mean square, over twice the root; of the perplexity that of
  // its nll.
  double spread = 0;
  for (const double x : squares)
    spread += (x - mean(squares)) * (x - mean(squares));
  const auto n = static_cast<double>(squares.size());
  CHECK(run.metric("delta_p_rms_chunked")->standard_error.value() ==
        Approx(std::sqrt(spread / (n - 1) / n) / (2 * root)).epsilon(1e-3));
  REQUIRE(run.paired.size() == 4);
  CHECK(run.paired[3].first == "perplexity_ratio_chunked");
}
