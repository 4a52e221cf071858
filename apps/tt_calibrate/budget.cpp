// tt-calibrate budget: a k for every head or layer from one budget, by a table's curves.
#include "calibration/budget.hpp"

#include <filesystem>

#include "calibration/retarget.hpp"
#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "common/thresholds.hpp"
#include "core/error.hpp"
#include "report/budget.hpp"
#include "tt_calibrate/commands.hpp"
#include "tt_calibrate/sensitivity_weights.hpp"
#include "tt_calibrate/table_path.hpp"

namespace toptheta::app {

namespace {

class BudgetCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  void declare_amounts(CLI::App& app);
  [[nodiscard]] Budget resolve() const;

  struct Amount {
    BudgetKind kind;
    CLI::Option* option = nullptr;
    double value = 0;
  };

  std::string table_;
  std::vector<Amount> amounts_ = {{BudgetKind::kept_fraction},
                                  {BudgetKind::kept_elements},
                                  {BudgetKind::uniform_k},
                                  {BudgetKind::v_rows},
                                  {BudgetKind::lost_mass}};
  BudgetUnit unit_ = BudgetUnit::head;
  std::int64_t smallest_k_ = 1;
  std::int64_t largest_k_ = 0;
  std::string layer_k_;
  std::string sensitivity_;
  ResultFormat format_ = table_format();
  std::string output_;
};

void BudgetCommand::declare_amounts(CLI::App& app) {
  const std::vector<std::tuple<const char*, const char*, const char*>> flags = {
      {"--kept-fraction", "F",
       "The budget is this share of the visible elements of the calibration rows; above 0, below 1"},
      {"--kept-elements", "N",
       "The budget is this many elements per token, on average, over all heads and layers together"},
      {"--uniform-k", "K", "The budget is what this k in every head would keep"},
      {"--v-rows", "F",
       "The budget is this share of the V rows read in decode, assuming that the heads of a KV group choose "
       "independently"},
      {"--lost-mass", "M",
       "Instead of a budget: find the fewest elements with which rows lose this much softmax mass on "
       "average"}};
  for (std::size_t i = 0; i < flags.size(); ++i) {
    const auto& [flag, unit, help] = flags[i];
    amounts_[i].option = app.add_option(flag, amounts_[i].value, help)->type_name(unit)->group("Budget");
  }
}

void BudgetCommand::declare(CLI::App& app) {
  app.add_option("table", table_, "Threshold table with curves (.h5, from fit --curve)");
  declare_amounts(app);
  add_choice(app, "--per", unit_, "What gets a k of its own");
  app.add_option("--min-k", smallest_k_, "Smallest k of any head")->type_name("K")->capture_default_str();
  app.add_option("--max-k", largest_k_, "Largest k of any head; 0 = heads may become dense")
      ->type_name("K")
      ->check(non_negative())
      ->capture_default_str();
  app.add_option("--layer-k", layer_k_,
                 "Layers with a fixed k, which counts towards the budget: 0:512,1:dense")
      ->type_name("LAYER:K,...");
  app.add_option("--sensitivity", sensitivity_,
                 "Weigh lost mass by how sensitive each layer or head is, as measured by tt-eval sensitivity "
                 "--format json. Not with --lost-mass")
      ->type_name("FILE.json");
  add_format(app, format_, "Format of the summary on standard output");
  declare_output(
      app, output_,
      "The threshold table to write: .h5 (with the curves), .json, .csv, .txt, .npz, .safetensors or .h");
}

Budget BudgetCommand::resolve() const {
  if (table_.empty())
    throw UsageError({.where = "budget",
                      .what = "no threshold table given",
                      .next = "tt-calibrate budget theta.h5 --kept-fraction 0.05 -o budget.h5"});
  if (output_.empty())
    throw UsageError(
        {.where = "-o", .what = "not given", .expected = "the threshold table to write: -o budget.h5"});
  require_distinct(output_, table_, "-o");
  if (!sensitivity_.empty()) require_distinct(output_, sensitivity_, "-o");
  Budget budget;
  int given = 0;
  for (const Amount& amount : amounts_) {
    if (amount.option->count() == 0) continue;
    ++given;
    budget.kind = amount.kind;
    budget.amount = amount.value;
  }
  if (given != 1)
    throw UsageError(
        {.where = "budget",
         .what = given == 0 ? "no budget given" : "more than one budget",
         .expected = "one of --kept-fraction, --kept-elements, --uniform-k, --v-rows and --lost-mass"});
  budget.unit = unit_;
  budget.smallest_k = smallest_k_;
  budget.largest_k = largest_k_ == 0 ? kDenseK : largest_k_;
  if (!layer_k_.empty()) budget.layer_k = parse_layer_k(layer_k_);
  return budget;
}

void BudgetCommand::run(Session& session) {
  Budget budget = resolve();
  const TableFormat format = resolve_table_format(output_, "-o");
  const ThresholdTable source = read_thresholds(table_, session.console);
  if (!sensitivity_.empty()) budget.weights = read_sensitivity_weights(sensitivity_, source.meta.shape);
  const BudgetPlan plan = plan_budget(source, budget);
  ThresholdTable result{source.meta, {pooled_target_by_head(source, plan.head_k)}, source.curves};
  result.meta.estimator = "pooled";
  result.meta.add_sigma = 0;
  std::vector<std::filesystem::path> inputs = {table_};
  if (!sensitivity_.empty()) inputs.emplace_back(sensitivity_);
  result.meta.provenance = session.provenance_of(inputs);
  const std::string summary =
      format_listing(budget_listing(plan, budget, result.meta), format_, layout_of({}));
  note_lost_laws(source, result, session);
  note_lost_rho(source, result, session);
  write_table(result, 0, output_, format);
  write_summary(output_, summary, session.console.quiet());
}

}  // namespace

std::unique_ptr<Command> make_budget_command() {
  return std::make_unique<BudgetCommand>();
}

}  // namespace toptheta::app
