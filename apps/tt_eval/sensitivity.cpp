// tt-eval sensitivity: each layer, or head, alone made sparse: how much the likelihoods suffer.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "calibration/budget.hpp"
#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "report/json.hpp"
#include "report/listing.hpp"
#include "report/number.hpp"
#include "sweep/choice.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/dry_run.hpp"
#include "tt_eval/evaluation_setup.hpp"
#include "tt_eval/policy_plans.hpp"

namespace toptheta::app {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kPartsTogether = 7;  // beside dense

// What is made sparse alone: a layer, a head of one, or everything.
struct Part {
  std::int64_t layer = -1;  // -1: all
  std::int64_t head = -1;   // -1: all of the layer
  [[nodiscard]] bool holds(std::int64_t of_layer, std::int64_t of_head) const {
    return (layer < 0 || layer == of_layer) && (head < 0 || head == of_head);
  }
};

struct Sensitivity {
  Part part;
  std::vector<PairedDifference> on_tasks{};  // of the nll
  PairedDifference difference{};             // their mean
  double kept = 0;                           // of the part, summed over tasks
  double visible = 0;
  double lost_mass = 0;
  double rows = 0;
};

// The table's target with everything else dense.
ThresholdTable lone_table(const ThresholdFile& file, std::int64_t k, const Part& part) {
  const ThresholdTable& source = file.table;
  Target target = source.target(k);
  const std::int64_t heads = source.meta.shape.num_heads;
  std::vector<std::int64_t> head_k(target.cells.size(), kDenseK);
  for (std::size_t cell = 0; cell < head_k.size(); ++cell) {
    const auto at = static_cast<std::int64_t>(cell);
    if (part.holds(at / heads, at % heads))
      head_k[cell] = target.k_of(cell);
    else
      target.cells[cell].clear();
  }
  const bool by_head = part.head >= 0 || !target.head_k.empty();
  target.layer_k = layer_k_of(head_k, heads);
  target.head_k = by_head ? std::move(head_k) : std::vector<std::int64_t>();
  return {source.meta, {std::move(target)}, {}};
}

class SensitivityCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  [[nodiscard]] ResultFormat format() const { return format_.value_or(result_format_of(output_)); }
  [[nodiscard]] std::vector<Part> parts_of(const ModelShape& shape) const;
  [[nodiscard]] PolicyPlan plan_of(const Part& part, const EvaluationSetup& setup) const;
  void measure(EvaluationSetup& setup, std::span<Sensitivity> some, Session& session) const;
  [[nodiscard]] Listing listing(const std::vector<Sensitivity>& parts, const Sensitivity& all,
                                const ModelShape& shape) const;

  RunFlags flags_;
  BudgetUnit unit_ = BudgetUnit::layer;
  Policy policy_{};
  std::string policy_text_;  // describe() of it, with its table
  std::optional<ThresholdFile> table_{};
  std::optional<ResultFormat> format_{};
  std::string output_;
};

void SensitivityCommand::declare(CLI::App& app) {
  add_choice(
      app, "--per", unit_,
      "What is made sparse, one at a time. head is for theta only, whose tables can hold a k for each head");
  declare_evaluation(app, flags_);
  add_format(app, format_, "By default, the ending of -o decides; without -o, a table");
  declare_output(app, output_, "Write it to this file instead of standard output");
}

std::vector<Part> SensitivityCommand::parts_of(const ModelShape& shape) const {
  std::vector<Part> parts;
  for (std::int64_t layer = 0; layer < shape.num_layers; ++layer) {
    if (unit_ == BudgetUnit::layer) parts.push_back({layer, -1});
    for (std::int64_t head = 0; unit_ == BudgetUnit::head && head < shape.num_heads; ++head)
      parts.push_back({layer, head});
  }
  return parts;
}

PolicyPlan SensitivityCommand::plan_of(const Part& part, const EvaluationSetup& setup) const {
  const ModelShape& shape = setup.config().shape;
  Policy policy = policy_;
  // theta takes its table's.
  if (part.layer >= 0 && !has_thresholds(policy)) {
    policy.layer_k.clear();
    for (std::int64_t layer = 0; layer < shape.num_layers; ++layer) {
      const auto own = std::ranges::find(policy_.layer_k, layer, &LayerK::layer);
      if (layer != part.layer)
        policy.layer_k.push_back({layer, kDenseK});
      else if (own != policy_.layer_k.end())
        policy.layer_k.push_back(*own);
    }
  }
  if (!table_) return plan_policies({policy}, {}, shape, setup.context).front();
  const ThresholdFile lone{table_->path, lone_table(*table_, policy.k, part), table_->says_placement};
  return plan_policies({policy}, {lone}, shape, setup.context).front();
}

void count_part(const AttentionCounts& counts, Sensitivity& one) {
  for (std::int64_t layer = 0; layer < counts.shape.num_layers; ++layer)
    for (std::int64_t head = 0; head < counts.shape.num_heads; ++head) {
      if (!one.part.holds(layer, head)) continue;
      const HeadCount& count = counts.head(layer, head);
      one.kept += static_cast<double>(count.kept);
      one.visible += static_cast<double>(count.visible);
      one.lost_mass += count.lost_mass;
      one.rows += static_cast<double>(count.rows);
    }
}

void SensitivityCommand::measure(EvaluationSetup& setup, std::span<Sensitivity> some,
                                 Session& session) const {
  std::vector<PolicyPlan> plans = plan_policies({Policy{}}, {}, setup.config().shape, setup.context);
  for (const Sensitivity& one : some)
    plans.push_back(plan_of(one.part, setup));
  for (const Task& task : setup.tasks) {
    EvaluationOptions options = setup.options;
    options.progress = [&](std::int64_t done, std::int64_t total, std::string_view unit) {
      session.console.progress(fmt::format("{} from layer {}", task.name, some.front().part.layer), done,
                               total, std::string(unit));
    };
    const std::vector<RunResult> results = evaluate(setup.model, plans, task, options);
    for (std::size_t i = 0; i < some.size(); ++i) {
      const RunResult& result = results[i + 1];
      const auto nll =
          std::ranges::find_if(result.paired, [](const auto& entry) { return entry.first.ends_with("nll"); });
      if (nll == result.paired.end())
        throw UsageError({.where = "--task " + task.path,
                          .what = "has no likelihoods, which sensitivity measures",
                          .expected = "texts, multiple choice or continuations"});
      some[i].on_tasks.push_back(nll->second);
      count_part(result.sparsity, some[i]);
    }
  }
  for (Sensitivity& one : some)
    one.difference = mean_difference(one.on_tasks, 0.95);
}

// Layers that lose more than twice their even share: what a budget may leave dense.
std::string dense_layers(const std::vector<Sensitivity>& parts, std::int64_t layers) {
  std::vector<double> loss(static_cast<std::size_t>(layers), 0.0);
  for (const Sensitivity& one : parts)
    loss[static_cast<std::size_t>(one.part.layer)] += std::max(0.0, one.difference.value);
  const double sum = std::accumulate(loss.begin(), loss.end(), 0.0);
  std::string text;
  for (std::int64_t layer = 0; layer < layers; ++layer)
    if (loss[static_cast<std::size_t>(layer)] * static_cast<double>(layers) > 2 * sum)
      text += fmt::format("{}{}:dense", text.empty() ? "" : ",", layer);
  return text;
}

Json json_of_difference(const PairedDifference& difference) {
  return {{"nll_difference", json_number(difference.value)},
          {"stderr", difference.standard_error ? json_number(*difference.standard_error) : Json(nullptr)}};
}

Listing SensitivityCommand::listing(const std::vector<Sensitivity>& parts, const Sensitivity& all,
                                    const ModelShape& shape) const {
  const bool by_head = unit_ == BudgetUnit::head;
  Listing listing;
  listing.schema = "toptheta.sensitivity/1";
  double sum = 0;
  double losses = 0;
  for (const Sensitivity& one : parts) {
    sum += one.difference.value;
    losses += std::max(0.0, one.difference.value);
  }
  listing.heading = fmt::format("{}, one {} at a time: change of the nll against dense, most sensitive first",
                                policy_text_, name_of(unit_));
  const std::string dense = dense_layers(parts, shape.num_layers);
  listing.about = {{"policy", policy_text_},
                   {"per", name_of(unit_)},
                   {"all", json_of_difference(all.difference)},
                   {"sum", json_number(sum)},
                   {"layer_k", dense}};
  listing.columns = {{"layer", "layer"}};
  if (by_head) listing.columns.push_back({"head", "head"});
  listing.columns.insert(listing.columns.end(), {{"nll_difference", "nll - dense"},
                                                 {"stderr", "its error"},
                                                 {"low", "95% from"},
                                                 {"high", "to"},
                                                 {"share", "of all losses %", true, 0, Shown::percent},
                                                 {"kept_elements", "kept there %", true, 0, Shown::percent},
                                                 {"lost_mass", "lost mass"}});
  for (const Sensitivity& one : parts) {
    const PairedDifference& d = one.difference;
    std::vector<Json> row = {one.part.layer};
    if (by_head) row.push_back(one.part.head);
    row.insert(row.end(),
               {json_number(d.value), d.standard_error ? json_number(*d.standard_error) : Json(nullptr),
                d.interval ? json_number(d.interval->low) : Json(nullptr),
                d.interval ? json_number(d.interval->high) : Json(nullptr),
                losses > 0 ? json_number(std::max(0.0, d.value) / losses) : Json(nullptr),
                json_number(one.kept / one.visible), json_number(one.lost_mass / one.rows)});
    listing.rows.push_back(std::move(row));
  }
  listing.notes.push_back(fmt::format("all together: {}; the sum over single {}s: {}",
                                      format_number(all.difference.value), name_of(unit_),
                                      format_number(sum)));
  if (!dense.empty())
    listing.notes.push_back(
        fmt::format("layers that lose more than twice their share, to leave dense in tt-calibrate budget and "
                    "fit: --layer-k {}",
                    dense));
  return listing;
}

void SensitivityCommand::run(Session& session) {
  session.wait_passively();
  policy_ = single_policy(flags_, "theta", "sensitivity");
  if (needs_table(policy_)) {
    std::vector<ThresholdFile> files = load_thresholds(flags_.policies.thresholds, session.console);
    std::erase_if(files, [&](const ThresholdFile& file) { return !fits(file, policy_); });
    if (files.size() != 1)
      throw UsageError(
          {.where = "--thresholds",
           .what = files.empty() ? "no table with the policy's placement and k" : "several tables fit",
           .expected = "one table",
           .next = "tt-eval sensitivity --thresholds theta.h5 -k 64"});
    table_ = std::move(files.front());
  }
  if (unit_ == BudgetUnit::head && !table_)
    throw UsageError({.where = "--per head",
                      .what = fmt::format("{} has no k for each head", name_of(policy_)),
                      .expected = "theta, whose tables have one",
                      .next = "--per layer"});
  EvaluationSetup setup = load_evaluation(flags_, session);
  const ModelShape shape = setup.config().shape;
  if (table_) require_shape(table_->table, shape, table_->path);
  std::vector<Sensitivity> parts;
  for (const Part& part : parts_of(shape))
    parts.push_back({.part = part});
  parts.push_back({});  // all together
  if (flags_.dry_run) {
    DryRun dry("sensitivity", session);
    dry.use(setup.model.transformer, setup.options.kv);
    const PolicyPlan plan = plan_of(parts.front().part, setup);
    for (std::size_t t = 0; t < setup.tasks.size(); ++t)
      for (std::size_t at = 0; at < parts.size(); at += kPartsTogether) {
        const std::vector<PolicyPlan> plans(std::min(kPartsTogether, parts.size() - at) + 1, plan);
        dry.add_task(setup.tasks[t], setup.checks[t], setup.options, plans);
      }
    return write_output(output_, format_listing(dry.listing(), format(), layout_of(output_)));
  }
  policy_text_ = describe(plan_of(parts.back().part, setup).policy);
  for (std::size_t at = 0; at < parts.size(); at += kPartsTogether)
    measure(setup, std::span(parts).subspan(at, std::min(kPartsTogether, parts.size() - at)), session);
  session.console.finish();
  const Sensitivity all = parts.back();
  parts.pop_back();
  std::ranges::stable_sort(parts, [](const Sensitivity& a, const Sensitivity& b) {
    return a.difference.value > b.difference.value;
  });
  Listing result = listing(parts, all, shape);
  result.about["provenance"] = json_of(provenance_of(setup, flags_.policies.thresholds, session));
  write_output(output_, format_listing(result, format(), layout_of(output_)));
}

}  // namespace

std::unique_ptr<Command> make_sensitivity_command() {
  return std::make_unique<SensitivityCommand>();
}

}  // namespace toptheta::app
