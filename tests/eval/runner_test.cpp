// The evaluation runner on the embedded model.
#include "eval/runner.hpp"

#include <cmath>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "kernels/rows/log_softmax.hpp"
#include "support/catch.hpp"
#include "support/embedded_model.hpp"
#include "tasks/requests.hpp"

using namespace toptheta;
using testing::embedded;

namespace {

PolicyPlan plan_of(const Policy& policy) {
  return {ResolvedPolicy(policy, embedded().transformer.config().shape, 1024, nullptr, ""),
          {.policy = policy}};
}

const Policy kTopk{.selection = Selection::topk, .sdc = Sdc::exact, .vmc = true, .k = 6};

Task text_task(const std::string& text) {
  Task task;
  task.name = "t";
  task.examples = std::vector<TextDocument>{{"t", text, {}}};
  return task;
}

const std::string kText =
    "Story: Leo has a bee. Hal works as a smith. The black box opens with 1337. Dan eats rice. The code of "
    "the white "
    "box is 2412. Someone left the cup in the porch. Mia keeps a fox.\n";

double metric(const RunResult& result, const std::string& name) {
  const Measure* found = result.metric(name);
  REQUIRE(found != nullptr);
  return found->value;
}

// Negative log-likelihood of the tokens, straight from one forward pass.
double direct_nll(const std::vector<std::int32_t>& ids) {
  Transformer& model = embedded().transformer;
  const ModelConfig& config = model.config();
  KvCache cache(config.shape, static_cast<std::int64_t>(ids.size()));
  const auto logits =
      model.forward({ids.data(), ids.size() - 1}, cache, dense_policy(config.shape), {.first_logit_row = 0});
  double sum = 0;
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
    const auto row = logits.subspan(i * static_cast<std::size_t>(config.vocab_size),
                                    static_cast<std::size_t>(config.vocab_size));
    sum += log_softmax(row).log_sum - static_cast<double>(row[static_cast<std::size_t>(ids[i + 1])]);
  }
  return sum;
}

}  // namespace

TEST_CASE("a text's nll is that of its tokens after the start token, each scored once", "[runner]") {
  std::vector<std::int32_t> ids = embedded().tokenizer.encode(kText);
  const auto tokens = static_cast<std::int64_t>(ids.size());
  ids.insert(ids.begin(), start_token(embedded()));
  const auto results = evaluate(embedded(), {plan_of({})}, text_task(kText), {});
  const double total = direct_nll(ids);
  CHECK(metric(results[0], "nll") == Approx(total / static_cast<double>(tokens)));
  CHECK(metric(results[0], "perplexity") == Approx(std::exp(total / static_cast<double>(tokens))));
  CHECK(metric(results[0], "bits_per_byte") ==
        Approx(total / static_cast<double>(kText.size()) / std::log(2.0)));
  CHECK(metric(results[0], "kl") == 0);
  CHECK(results[0].counts[0] == std::pair<std::string, std::int64_t>{"tokens", tokens});
  CHECK(results[0].sparsity.kept_elements() == 1);
  CHECK(results[0].sparsity.v_rows() == 1);
}

TEST_CASE("decoding token by token gives prefill's metrics, and counts V rows per step", "[runner]") {
  const std::vector<PolicyPlan> plans{plan_of({}), plan_of(kTopk)};
  const auto prefill = evaluate(embedded(), plans, text_task(kText), {});
  const auto decode = evaluate(embedded(), plans, text_task(kText), {.phase = Phase::decode});
  for (std::size_t p = 0; p < plans.size(); ++p) {
    CHECK(metric(prefill[p], "nll") == Approx(metric(decode[p], "nll")).epsilon(1e-5));
    CHECK(prefill[p].sparsity.kept_elements() == decode[p].sparsity.kept_elements());
  }
  CHECK(metric(prefill[1], "kl") > 0);
  CHECK(metric(prefill[1], "kl_max") >= metric(prefill[1], "kl_median"));
  CHECK(prefill[1].sparsity.effective_k_ratio() == Approx(1));
  CHECK(decode[1].sparsity.v_rows() < prefill[1].sparsity.v_rows());
}

TEST_CASE("windows of a small context and the chunked protocol score what they should", "[runner]") {
  const auto tokens = static_cast<std::int64_t>(embedded().tokenizer.encode(kText).size());
  const auto small = evaluate(embedded(), {plan_of({})}, text_task(kText), {.context = 16, .ppl_chunk = 16});
  CHECK(small[0].counts[0].second == tokens);
  CHECK(metric(small[0], "nll") >
        metric(evaluate(embedded(), {plan_of({})}, text_task(kText), {})[0], "nll"));
  CHECK(metric(small[0], "perplexity_chunked") > 1);
  CHECK_THROWS_AS(evaluate(embedded(), {plan_of({})}, text_task(kText), {.ppl_chunk = 1000}), UsageError);
  CHECK_THROWS_AS(evaluate(embedded(), {plan_of({})}, text_task(kText), {.context = 5000}), UsageError);
}

TEST_CASE("choices share their context without changing likelihoods or counts", "[runner]") {
  const std::string context = kText + "Question: What is the code of the white box? Answer:";
  Task task;
  task.name = "mc";
  task.examples =
      std::vector<MultipleChoiceExample>{{{context}, {" 2412", " 1337", " 9023"}, {4, 4, 4}, 0, {}}};
  const auto results = evaluate(embedded(), {plan_of({}), plan_of(kTopk)}, task, {});
  CHECK(metric(results[0], "acc") == 1);

  // Each choice on its own, from the first token.
  const PolicyPlan plan = plan_of(kTopk);
  AttentionCounts counts(embedded().transformer.config().shape);
  for (const std::string choice : {" 2412", " 1337", " 9023"}) {
    const TokenPair pair = encode_pair(embedded().tokenizer, context, choice, start_token(embedded()));
    KvCache cache = embedded().transformer.new_cache(1024);
    PolicySession session(embedded().transformer, plan.policy, cache, Phase::prefill);
    session.start();
    session.feed({pair.ids.data(), pair.ids.size() - 1}, 0);
    session.finish();
    counts.merge(session.totals());
  }
  CHECK(results[1].sparsity.kept_elements() == counts.kept_elements());
  CHECK(results[1].sparsity.v_rows() == counts.v_rows());
  CHECK(results[1].sparsity.lost_mass() == Approx(counts.lost_mass()));
}

TEST_CASE("generation stops at the stop string and matches exactly", "[runner]") {
  Task task;
  task.name = "needle";
  GenerationExample example;
  example.prompt = kText + "Question: What is the code of the white box? Answer:";
  example.answer = "2412";
  example.stop = {"."};
  example.max_new_tokens = 8;
  task.examples = std::vector<GenerationExample>{example};
  const auto results = evaluate(embedded(), {plan_of({})}, task, {});
  CHECK(metric(results[0], "exact_match") == 1);
  CHECK(results[0].phase == Phase::decode);
  CHECK(results[0].sparsity.kept_elements() == 1);

  CHECK(results[0].counts.back() == std::pair<std::string, std::int64_t>{"cut_short", 0});

  // The context's end cuts what would go on, and is counted; a prompt that leaves no room is refused.
  GenerationExample& first = std::get<std::vector<GenerationExample>>(task.examples)[0];
  first.max_new_tokens = 2000;
  CHECK(metric(evaluate(embedded(), {plan_of({})}, task, {})[0], "exact_match") == 1);
  first.stop = {};
  const auto prompt = static_cast<std::int64_t>(encode_prompt(embedded(), first.prompt).size());
  const auto cut = evaluate(embedded(), {plan_of({})}, task, {.context = prompt + 4});
  CHECK(cut[0].counts.back().second == 1);
  CHECK(cut[0].counts.front().second == 4);
  CHECK_THROWS_AS(evaluate(embedded(), {plan_of({})}, task, {.context = prompt}), InputError);
}

TEST_CASE("examples are reported under every policy, and compared with dense", "[runner]") {
  Task task;
  task.name = "mc";
  task.examples = std::vector<MultipleChoiceExample>{
      {{kText + "Question: What is the code of the white box? Answer:"},
       {" 2412", " 1337"},
       {4, 4},
       0,
       "x:1"},
      {{kText + "Question: What does Dan eat? Answer:"}, {" rice", " nuts"}, {4, 4}, 1, "x:2"}};
  std::vector<std::string> seen;
  EvaluationOptions options;
  options.on_sample = [&seen](const Sample& sample) {
    seen.push_back(sample.place + " " + std::to_string(sample.policy) + " " +
                   std::to_string(sample.answer.value()));
    CHECK(sample.log_likelihoods.size() == 2);
  };
  const auto results = evaluate(embedded(), {plan_of(kTopk), plan_of({})}, task, options);
  REQUIRE(seen.size() == 4);
  CHECK(seen[0] == "x:1 1 0");  // dense first
  CHECK(results[1].paired.empty());
  REQUIRE(results[0].paired.size() == 3);
  CHECK(results[0].paired[0].second.value == Approx(metric(results[0], "acc") - metric(results[1], "acc")));
  CHECK(metric(results[0], "kl") > 0);
  CHECK(metric(results[1], "kl") == 0);
  CHECK(metric(results[1], "same_top") == 1);
  CHECK(metric(results[1], "delta_p_rms") == 0);
}

TEST_CASE("contexts that are cut to fit are counted", "[runner]") {
  Task task;
  task.name = "mc";
  task.examples = std::vector<MultipleChoiceExample>{{{kText}, {" rice", " nuts"}, {4, 4}, 0, "x.jsonl:3"}};
  CHECK(check_task(embedded(), task, {}).truncated == 0);
  CHECK(check_task(embedded(), task, {.context = 16}).truncated == 2);
  CHECK(check_task(embedded(), task, {.context = 16}).longest == 17);
  const auto results = evaluate(embedded(), {plan_of({})}, task, {.context = 16});
  CHECK(results[0].counts.back() == std::pair<std::string, std::int64_t>{"truncated", 2});
  std::get<std::vector<MultipleChoiceExample>>(task.examples)[0].continuations[1] = " " + kText;
  try {
    (void)check_task(embedded(), task, {.context = 16});
    FAIL("a continuation beyond the context");
  } catch (const InputError& error) {
    CHECK(error.problem().where.find("x.jsonl:3") == 0);
  }
}

TEST_CASE("metrics and counts do not depend on the number of threads", "[runner]") {
  std::vector<double> nll;
  std::vector<double> lost;
  for (const int threads : {1, 2}) {
    set_thread_count(threads);
    const auto results = evaluate(embedded(), {plan_of(kTopk)}, text_task(kText), {});
    nll.push_back(metric(results[0], "nll"));
    lost.push_back(results[0].sparsity.lost_mass());
  }
  set_thread_count(0);
  CHECK(nll[0] == nll[1]);
  CHECK(lost[0] == lost[1]);
}

TEST_CASE("output errors are measured per head, of sparse policies only, alike in prefill and decode",
          "[runner]") {
  const std::vector<PolicyPlan> plans{plan_of({}), plan_of(kTopk)};
  const ModelShape shape = embedded().transformer.config().shape;
  const auto prefill = evaluate(embedded(), plans, text_task(kText), {.output_error = true});
  const auto decode =
      evaluate(embedded(), plans, text_task(kText), {.phase = Phase::decode, .output_error = true});
  CHECK(prefill[0].sparsity.outputs.empty());
  REQUIRE(std::ssize(prefill[1].sparsity.outputs) == shape.num_layers * shape.num_heads);
  CHECK(prefill[1].sparsity.output().relative_error() > 0);
  CHECK(prefill[1].sparsity.output().relative_error() ==
        Approx(decode[1].sparsity.output().relative_error()).epsilon(1e-3));
  CHECK(prefill[1].sparsity.layer(2).output().mean_cosine() ==
        Approx(decode[1].sparsity.layer(2).output().mean_cosine()).epsilon(1e-3));
  CHECK(evaluate(embedded(), plans, text_task(kText), {})[1].sparsity.outputs.empty());
}

TEST_CASE("completions are drawn by the seed, the same under every policy that changes nothing", "[runner]") {
  Task task;
  task.name = "story";
  GenerationExample example;
  example.prompt = kText + "Story:";
  example.answer = "none";
  example.max_new_tokens = 12;
  task.examples = std::vector<GenerationExample>{example, example};
  const auto completions = [&task](const EvaluationOptions& asked, const std::vector<PolicyPlan>& plans) {
    std::vector<std::string> texts;
    EvaluationOptions options = asked;
    options.on_sample = [&texts](const Sample& sample) { texts.push_back(sample.completion); };
    (void)evaluate(embedded(), plans, task, options);
    return texts;
  };
  EvaluationOptions options;
  options.generation.sampling.temperature = 1.5;
  options.seed = 1;
  const std::vector<PolicyPlan> one{plan_of({})};
  const Policy all{.selection = Selection::topk, .k = 2000};
  const auto drawn = completions(options, {plan_of({}), plan_of(all)});
  REQUIRE(drawn.size() == 4);
  CHECK(drawn[0] == drawn[1]);
  CHECK(drawn[0] != drawn[2]);  // the same prompt, the next example
  CHECK(completions(options, one) == std::vector<std::string>{drawn[0], drawn[2]});
  options.seed = 2;
  CHECK(completions(options, one)[0] != drawn[0]);
  options.generation.sampling = {.temperature = 0};
  const std::string likeliest = completions(options, one)[0];
  CHECK(likeliest == completions({}, one)[0]);

  options.generation.stop = {likeliest.substr(3, 2)};
  CHECK(completions(options, one)[0] == likeliest.substr(0, likeliest.find(likeliest.substr(3, 2))));
  options.generation = {.max_new_tokens = 2};
  CHECK(likeliest.starts_with(completions(options, one)[0]));
  CHECK(completions(options, one)[0].size() < likeliest.size());
}
