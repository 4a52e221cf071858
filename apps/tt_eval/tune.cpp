// tt-eval tune: the smallest k whose loss against dense is small enough, by bisection, thresholds retargeted
// from a table's curves at each k.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "attention/policies/unit.hpp"
#include "calibration/retarget.hpp"
#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "report/json.hpp"
#include "report/listing.hpp"
#include "report/number.hpp"
#include "sweep/comparison.hpp"
#include "sweep/tuning.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/dry_run.hpp"
#include "tt_eval/evaluation_setup.hpp"
#include "tt_eval/fraction_flag.hpp"
#include "tt_eval/policy_plans.hpp"

namespace toptheta::app {

namespace {

using Json = nlohmann::ordered_json;

// Measures one k after another against the same dense runs.
class KMeter {
 public:
  KMeter(EvaluationSetup& setup, Policy policy, std::optional<ThresholdFile> table, ChoiceQuery query,
         Session& session)
      : setup_(setup),
        policy_(std::move(policy)),
        table_(std::move(table)),
        query_(std::move(query)),
        session_(session) {}

  // Throws UsageError where no task has the metric.
  void run_dense();
  TunedPoint measure(std::int64_t k);
  // The policy with this k, its thresholds retargeted.
  [[nodiscard]] PolicyPlan plan_of(std::int64_t k) const;
  [[nodiscard]] std::size_t tasks() const { return dense_.size(); }

 private:
  CellResult evaluate_on(const Task& task, const PolicyPlan& plan, const std::string& stage);

  EvaluationSetup& setup_;
  Policy policy_;
  std::optional<ThresholdFile> table_;
  ChoiceQuery query_;
  Session& session_;
  std::vector<std::pair<const Task*, CellResult>> dense_;
};

PolicyPlan KMeter::plan_of(std::int64_t k) const {
  Policy policy = policy_;
  policy.k = k;
  std::vector<ThresholdFile> files;
  if (table_) {
    ThresholdTable table{table_->table.meta, {pooled_target(table_->table, k, policy.layer_k)}, {}};
    table.meta.estimator = name_of(Estimator::pooled);
    table.meta.add_sigma = 0;
    policy.layer_k.clear();
    files.push_back({table_->path, std::move(table), table_->says_placement});
  }
  return plan_policies({policy}, files, setup_.config().shape, setup_.context).front();
}

CellResult KMeter::evaluate_on(const Task& task, const PolicyPlan& plan, const std::string& stage) {
  EvaluationOptions options = setup_.options;
  options.progress = [&](std::int64_t done, std::int64_t total, std::string_view unit) {
    session_.console.progress(fmt::format("{} {}", stage, task.name), done, total, std::string(unit));
  };
  return cells_of_runs(setup_, evaluate(setup_.model, {plan}, task, options)).front();
}

void KMeter::run_dense() {
  const PolicyPlan dense = plan_policies({Policy{}}, {}, setup_.config().shape, setup_.context).front();
  std::string known;
  for (const Task& task : setup_.tasks) {
    CellResult cell = evaluate_on(task, dense, "dense");
    for (const auto& [name, samples] : cell.samples)
      if (name != "tokens") known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
    if (cell.samples.contains(query_.metric == "perplexity" ? "nll" : query_.metric))
      dense_.emplace_back(&task, std::move(cell));
    else
      session_.console.note(fmt::format("{} has no {} and is left out", task.name, query_.metric));
  }
  if (dense_.empty())
    throw UsageError({.where = "--metric",
                      .what = fmt::format("no task has '{}'", query_.metric),
                      .expected = fmt::format("one of {}; perplexity if there is nll", known)});
}

TunedPoint KMeter::measure(std::int64_t k) {
  const PolicyPlan plan = plan_of(k);
  const double confidence = query_.confidence;
  TunedPoint point{k};
  std::vector<PairedDifference> differences;
  for (const auto& [task, dense] : dense_) {
    const CellResult cell = evaluate_on(*task, plan, fmt::format("k={}", k));
    const auto difference = paired_between(dense, cell, query_.metric, confidence, session_.seed);
    differences.push_back(difference.value());
    const auto n = static_cast<double>(dense_.size());
    point.kept_elements += cell.values.at("kept_elements").value / n;
    point.v_rows += cell.values.at("v_rows").value / n;
  }
  point.loss = loss_of(mean_difference(differences, confidence), query_.metric);
  return point;
}

class TuneCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  [[nodiscard]] ResultFormat format() const { return format_.value_or(result_format_of(output_)); }
  [[nodiscard]] std::optional<ThresholdFile> table_of(const Policy& policy, Session& session) const;
  [[nodiscard]] std::int64_t highest_k(const EvaluationSetup& setup,
                                       const std::optional<ThresholdFile>& table) const;
  [[nodiscard]] Listing listing(const Tuning& tuning, const Policy& policy, const ChoiceQuery& query) const;
  void print_dry_run(EvaluationSetup& setup, const KMeter& meter, std::int64_t highest,
                     Session& session) const;

  RunFlags flags_;
  std::string max_loss_ = "1%";
  std::string metric_ = "perplexity";
  std::string confidence_ = "95%";
  std::int64_t least_k_ = 1;
  std::int64_t most_k_ = 0;
  std::optional<ResultFormat> format_{};
  std::string output_;
};

void TuneCommand::declare(CLI::App& app) {
  const char* goal = "Goal";
  app.add_option("--max-loss", max_loss_,
                 "How much worse than dense is acceptable: 1% or 0.01. Relative to dense for perplexity; in "
                 "the metric's own units otherwise (for acc, 1% is one percentage point)")
      ->type_name("E")
      ->capture_default_str()
      ->group(goal);
  app.add_option(
         "--metric", metric_,
         "perplexity or nll (texts), acc, acc_norm or answer_nll (multiple choice), acc or continuation_nll "
         "(continuations), exact_match (generation); averaged over the tasks that have it")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(goal);
  app.add_option("--confidence", confidence_, "Confidence of the interval of k")
      ->type_name("C")
      ->capture_default_str()
      ->group(goal);
  app.add_option("--min-k", least_k_, "Smallest k to try")
      ->type_name("K")
      ->check(positive())
      ->capture_default_str()
      ->group(goal);
  app.add_option("--max-k", most_k_, "Largest k to try; 0 = as far as it makes a difference")
      ->type_name("K")
      ->check(non_negative())
      ->capture_default_str()
      ->group(goal);
  declare_evaluation(app, flags_);
  app.get_option("--k")->group("");  // refused with an explanation, so not offered
  add_format(app, format_, "By default, the ending of -o decides; without -o, a table");
  declare_output(app, output_, "Write it to this file instead of standard output");
}

// Thresholds are those of the table's curves; what has none needs no table.
std::optional<ThresholdFile> TuneCommand::table_of(const Policy& policy, Session& session) const {
  if (!unit_of(policy).has_k)
    throw UsageError({.where = "--attention",
                      .what = fmt::format("{} has no k to tune", name_of(policy)),
                      .expected = "theta or topk"});
  if (!needs_table(policy)) return std::nullopt;
  std::vector<ThresholdFile> files = load_thresholds(flags_.policies.thresholds, session.console);
  if (files.size() != 1)
    throw UsageError({.where = "--thresholds",
                      .what = files.empty() ? "not given" : "more than one table",
                      .expected = "one table with curves (tt-calibrate fit --curve), for any k",
                      .next = "tt-eval tune --thresholds theta.h5"});
  require_curves(files.front().table, files.front().path);
  return std::move(files.front());
}

// A larger k leaves every row dense.
std::int64_t TuneCommand::highest_k(const EvaluationSetup& setup,
                                    const std::optional<ThresholdFile>& table) const {
  std::int64_t highest = setup.longest();
  if (table) highest = std::min<std::int64_t>(highest, table->table.curves.longest_row() - 1);
  if (most_k_ > 0) highest = std::min(highest, most_k_);
  if (least_k_ > highest)
    throw UsageError({.where = "--min-k",
                      .what = "leaves no k to try",
                      .expected = fmt::format("at most {}", highest),
                      .found = fmt::format("{}", least_k_)});
  return highest;
}

std::string answer_of(const Tuning& tuning, const ChoiceQuery& query) {
  if (!tuning.k)
    return fmt::format("no k is good enough: k={}, the largest, is still {} worse than dense",
                       tuning.points.back().k, loss_text(tuning.points.back().loss.value, query.metric));
  const TunedPoint& point = *tuning.point_at(*tuning.k);
  std::string interval;
  if (tuning.k_least)
    interval = fmt::format(" ({:g}% interval: {} to {})", 100 * query.confidence, *tuning.k_least,
                           tuning.k_most ? fmt::format("{}", *tuning.k_most) : "more than any k tried");
  return fmt::format(
      "k={}{} is the smallest k that is at most {} worse than dense: it keeps {}% of the elements and reads "
      "{}% of the V rows",
      *tuning.k, interval, loss_text(query.within, query.metric), format_percent(point.kept_elements),
      format_percent(point.v_rows));
}

Json k_or_null(const std::optional<std::int64_t>& k) {
  return k ? Json(*k) : Json(nullptr);
}

Json number_or_null(const std::optional<double>& value) {
  return value ? json_number(*value) : Json(nullptr);
}

Listing TuneCommand::listing(const Tuning& tuning, const Policy& policy, const ChoiceQuery& query) const {
  Listing listing;
  listing.schema = "toptheta.tuning/1";
  listing.heading = fmt::format("{}, {}: {}", describe(policy), query.metric, answer_of(tuning, query));
  const TunedPoint* const found = tuning.k ? tuning.point_at(*tuning.k) : nullptr;
  listing.about = {{"policy", describe(policy)},
                   {"metric", query.metric},
                   {"max_loss", query.within},
                   {"confidence", query.confidence},
                   {"k", k_or_null(tuning.k)},
                   {"k_low", k_or_null(tuning.k_least)},
                   {"k_high", k_or_null(tuning.k_most)},
                   {"kept_elements", found != nullptr ? json_number(found->kept_elements) : Json(nullptr)},
                   {"v_rows", found != nullptr ? json_number(found->v_rows) : Json(nullptr)}};
  listing.columns = {{"k", "k"},
                     loss_column("loss", "worse by", query.metric),
                     loss_column("low", "from", query.metric),
                     loss_column("high", "to", query.metric),
                     {"kept_elements", "elements %", true, 0, Shown::percent},
                     {"v_rows", "V rows %", true, 0, Shown::percent},
                     {"within", "within", false}};
  for (const TunedPoint& point : tuning.points)
    listing.rows.push_back({point.k, json_number(point.loss.value), number_or_null(point.loss.least),
                            number_or_null(point.loss.most), json_number(point.kept_elements),
                            json_number(point.v_rows), point.loss.value <= query.within + 1e-12});
  if (!tuning.k_least)
    listing.notes.emplace_back(
        "There is no interval, because a single document or example has none. Give several documents (a "
        "directory of texts).");
  if (tuning.k && needs_table(policy))
    listing.notes.push_back(
        fmt::format("to get its thresholds: tt-calibrate retarget {} -k {} -o theta-{}.h5",
                    flags_.policies.thresholds.front(), *tuning.k, *tuning.k));
  return listing;
}

// As many runs as bisection may take at most.
void TuneCommand::print_dry_run(EvaluationSetup& setup, const KMeter& meter, std::int64_t highest,
                                Session& session) const {
  DryRun dry("tune", session);
  dry.use(setup.model.transformer, setup.options.kv);
  const auto span = static_cast<double>(highest - least_k_ + 1);
  const auto runs = static_cast<std::int64_t>(3 * std::ceil(std::log2(span)) + 3);
  std::vector<PolicyPlan> plans = plan_policies({Policy{}}, {}, setup.config().shape, setup.context);
  std::vector<std::string> names = {"dense"};
  for (std::int64_t i = 0; i < std::min(runs, highest - least_k_ + 1); ++i) {
    if (i == 0) plans.push_back(meter.plan_of(least_k_ + (highest - least_k_) / 2));
    names.push_back(fmt::format("k {}", i + 1));
  }
  for (std::size_t t = 0; t < setup.tasks.size(); ++t)
    for (std::size_t i = 0; i < names.size(); ++i)
      dry.add_task(setup.tasks[t], setup.checks[t], setup.options,
                   std::span(plans).subspan(i == 0 ? 0 : 1, 1), std::span(names).subspan(i, 1));
  write_output(output_, format_listing(dry.listing(), format(), layout_of(output_)));
}

void TuneCommand::run(Session& session) {
  session.wait_passively();
  if (!flags_.policies.k.empty())
    throw UsageError(
        {.where = "-k", .what = "is what tune looks for", .next = "--min-k and --max-k limit the search"});
  const ChoiceQuery query{metric_, parse_fraction(max_loss_, "--max-loss", 0, 1e9),
                          parse_fraction(confidence_, "--confidence", 0.01, 0.999999)};
  const Policy policy = single_policy(flags_, "theta", "tune");
  std::optional<ThresholdFile> table = table_of(policy, session);
  for (const std::string& path : flags_.policies.thresholds)
    require_distinct(output_, path, "-o");
  EvaluationSetup setup = load_evaluation(flags_, session);
  const std::int64_t highest = highest_k(setup, table);
  KMeter meter(setup, policy, std::move(table), query, session);
  if (flags_.dry_run) return print_dry_run(setup, meter, highest, session);
  (void)meter.plan_of(highest);  // what cannot be, is said before dense is run
  meter.run_dense();
  const Tuning tuning =
      tune_k(least_k_, highest, query.within, [&meter](std::int64_t k) { return meter.measure(k); });
  session.console.finish();
  Listing result = listing(tuning, policy, query);
  result.about["provenance"] = json_of(provenance_of(setup, flags_.policies.thresholds, session));
  write_output(output_, format_listing(result, format(), layout_of(output_)));
}

}  // namespace

std::unique_ptr<Command> make_tune_command() {
  return std::make_unique<TuneCommand>();
}

}  // namespace toptheta::app
