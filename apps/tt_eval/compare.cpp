// tt-eval compare: two results or two sweeps side by side; conditions for gates.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "report/json.hpp"
#include "report/listing.hpp"
#include "sweep/cells.hpp"
#include "sweep/comparison.hpp"
#include "sweep/gate.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/gate_flag.hpp"

namespace toptheta::app {

namespace {

using Json = nlohmann::ordered_json;

// Two cells to compare: of A and B, or dense and what stands beside it.
struct CellPair {
  const CellResult* a;
  const CellResult* b;
};

// What people compare first; the others are in JSON and CSV.
bool is_main(const std::string& metric, const MetricComparison& compared) {
  return compared.pairs > 0 || metric == "kept_elements" || metric == "v_rows" || metric == "tiles" ||
         metric == "kl" || metric.starts_with("perplexity") || metric.starts_with("exact_match");
}

Json optional_number(const std::optional<double>& value) {
  return value ? json_number(*value) : Json(nullptr);
}

class CompareCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  [[nodiscard]] ResultFormat format() const { return format_.value_or(result_format_of(output_)); }
  [[nodiscard]] std::vector<CellPair> pairs_of(const std::vector<CellResult>& first,
                                               const std::vector<CellResult>& last, Session& session) const;
  [[nodiscard]] Listing listing(const std::vector<CellPair>& pairs, Session& session) const;

  std::vector<std::string> paths_;
  std::vector<std::string> conditions_;
  std::vector<std::string> metrics_;
  std::optional<ResultFormat> format_{};
  std::string output_;
};

void CompareCommand::declare(CLI::App& app) {
  app.add_option("results", paths_,
                 "Two results to compare, A and B: JSON files of run, or directories of sweep. A alone is "
                 "compared with its own dense runs")
      ->type_name("A [B]");
  app.add_option("--metric", metrics_,
                 "Only these metrics; by default the main ones in tables, and all in JSON and CSV")
      ->type_name("NAME")
      ->delimiter(',')
      ->group(kOutputGroup);
  declare_fail_if(app, conditions_,
                  "Exit with status 1 if this holds for any result (of B, if there are two): 'acc < dense - "
                  "0.01', 'kept_elements > 0.12', 'perplexity > 1.01 * A'. Give the flag once per condition");
  add_format(app, format_, "By default, the ending of -o decides; without -o, a table");
  declare_output(app, output_, "Write it to this file instead of standard output");
}

// What may be the point of the comparison, or a mistake.
void warn_of_differences(const std::vector<CellPair>& pairs, Session& session) {
  const auto differ = [](const std::string& a, const std::string& b) {
    return !a.empty() && !b.empty() && a != b;
  };
  const auto models = std::ranges::find_if(
      pairs, [&](const CellPair& pair) { return differ(pair.a->model_sha256, pair.b->model_sha256); });
  if (models != pairs.end())
    session.console.warn(fmt::format("A and B were run with different models: {} and {}",
                                     models->a->model_sha256, models->b->model_sha256),
                         "");
  const auto tasks = std::ranges::find_if(
      pairs, [&](const CellPair& pair) { return differ(pair.a->definition, pair.b->definition); });
  if (tasks != pairs.end())
    session.console.warn(fmt::format("{}: A was read as {}, B as {}, so their prompts differ", tasks->b->name,
                                     tasks->a->definition, tasks->b->definition),
                         "");
}

void warn_of_lone(const std::vector<std::string>& cells, const std::string& path, Session& session) {
  constexpr std::size_t kMost = 5;
  for (std::size_t i = 0; i < std::min(cells.size(), kMost); ++i)
    session.console.warn(fmt::format("{} is in {} alone", cells[i], path), "");
  if (cells.size() > kMost)
    session.console.warn(fmt::format("so are {} more results", cells.size() - kMost), "");
}

std::vector<CellPair> CompareCommand::pairs_of(const std::vector<CellResult>& first,
                                               const std::vector<CellResult>& last, Session& session) const {
  std::vector<CellPair> pairs;
  if (paths_.size() == 1) {
    for (const CellResult& cell : last)
      if (const CellResult* const dense = cell.is_dense() ? nullptr : dense_beside(last, cell))
        pairs.push_back({dense, &cell});
    return pairs;
  }
  std::vector<std::string> only_first;
  std::vector<std::string> only_last;
  for (const CellResult& cell : last) {
    const CellResult* const other = partner_of(cell, last, first);
    if (other == nullptr)
      only_last.push_back(cell.name);
    else if (other->task_sha256 != cell.task_sha256)
      throw InputError({.where = cell.name,
                        .what = "A and B were run on different files of the same name",
                        .expected = "the same file, with the same SHA-256",
                        .found = fmt::format("{} and {}", other->task_sha256, cell.task_sha256)});
    else
      pairs.push_back({other, &cell});
  }
  warn_of_differences(pairs, session);
  for (const CellResult& cell : first)
    if (std::ranges::none_of(pairs, [&cell](const CellPair& pair) { return pair.a == &cell; }))
      only_first.push_back(cell.name);
  warn_of_lone(only_last, paths_.back(), session);
  warn_of_lone(only_first, paths_.front(), session);
  if (pairs.empty())
    throw InputError({.where = "compare",
                      .what = "A and B have no result in common",
                      .expected = "the same task and phase under the same policy",
                      .next = "give results of the same tasks; A alone is compared with its own dense runs"});
  return pairs;
}

// A row for each pair and metric.
Listing CompareCommand::listing(const std::vector<CellPair>& pairs, Session& session) const {
  const bool two = paths_.size() == 2;
  Listing listing;
  listing.schema = "toptheta.comparison/1";
  listing.heading = two ? fmt::format("A: {}\nB: {}", paths_.front(), paths_.back())
                        : fmt::format("{}, against dense", paths_.front());
  listing.about = {{"a", two ? paths_.front() : "dense"}, {"b", paths_.back()}};
  listing.columns = {{"cell", "cell", false, 0, Shown::once},
                     {"metric", "metric", false},
                     {"a", two ? "A" : "dense"},
                     {"b", two ? "B" : "value"},
                     {"difference", "difference"},
                     {"stderr", "its error", true, 1},  // the interval says more
                     {"low", "95% from"},
                     {"high", "to"},
                     {"p", "p (McNemar)", true, 2},
                     {"pairs", "pairs", true, 3}};
  std::map<std::string, std::size_t> unpaired;
  for (const auto& [a, b] : pairs) {
    if (const std::string why = why_unpaired(*a, *b); !why.empty()) ++unpaired[why];
    for (const MetricComparison& one : compare_cells(*a, *b, 0.95, session.seed)) {
      if (metrics_.empty() ? is_for_people(format()) && !is_main(one.metric, one)
                           : std::ranges::count(metrics_, one.metric) == 0)
        continue;
      const PairedDifference& d = one.difference;
      listing.rows.push_back({b->name, one.metric, json_number(one.a), json_number(one.b),
                              json_number(d.value), optional_number(d.standard_error),
                              d.interval ? json_number(d.interval->low) : nullptr,
                              d.interval ? json_number(d.interval->high) : nullptr, optional_number(d.p),
                              one.pairs > 0 ? Json(one.pairs) : Json(nullptr)});
    }
  }
  listing.notes.emplace_back(
      "In rows with pairs, errors are those of the differences, example by example; in the others, A and B "
      "are treated as independent.");
  for (const auto& [why, count] : unpaired)
    listing.notes.push_back(fmt::format("{} of {} results are not paired: {}", count, pairs.size(), why));
  return listing;
}

void CompareCommand::run(Session& session) {
  if (paths_.empty() || paths_.size() > 2)
    throw UsageError({.where = "compare",
                      .what = paths_.empty() ? "no result given" : "more than two results given",
                      .expected = "A and B, or A alone",
                      .next = "tt-eval compare results --fail-if 'acc < dense - 0.01'"});
  const std::vector<Condition> conditions = parse_conditions(conditions_);
  const std::vector<CellResult> first = read_results(paths_.front());
  const std::vector<CellResult> last = read_results(paths_.back());
  for (const std::string& path : paths_) {
    require_distinct(output_, path, "-o");
    for (const std::string& note : describe_cells(path))
      session.console.note(note);
  }
  require_metrics(metrics_, last);
  const std::vector<CellPair> pairs = pairs_of(first, last, session);
  const std::vector<std::string> failures =
      failures_of(conditions, last, paths_.size() == 2 ? &first : nullptr);
  write_output(output_, format_listing(listing(pairs, session), format(), layout_of(output_)));
  require_passed(failures);
}

}  // namespace

std::unique_ptr<Command> make_compare_command() {
  return std::make_unique<CompareCommand>();
}

}  // namespace toptheta::app
