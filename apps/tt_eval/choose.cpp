// tt-eval choose: of a sweep, the smallest k and the sparsest cell of each policy that are as good as dense.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "report/json.hpp"
#include "report/listing.hpp"
#include "sweep/cells.hpp"
#include "sweep/choice.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/fraction_flag.hpp"

namespace toptheta::app {

namespace {

using Json = nlohmann::ordered_json;

class ChooseCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  [[nodiscard]] ResultFormat format() const { return format_.value_or(result_format_of(output_)); }
  [[nodiscard]] ChoiceQuery resolve(const std::vector<CellResult>& cells) const;
  [[nodiscard]] Listing listing(const std::vector<PolicyChoice>& choices, const ChoiceQuery& query,
                                bool has_perplexity) const;

  std::string results_;
  std::string within_ = "0.01";
  std::string metric_;
  std::string confidence_ = "95%";
  std::optional<ResultFormat> format_{};
  std::string output_;
};

void ChooseCommand::declare(CLI::App& app) {
  app.add_option("results", results_,
                 "Directory written by sweep, a result of run (JSON), or a directory of such results; dense "
                 "must be among the policies")
      ->type_name("DIR");
  app.add_option("--within", within_,
                 "How much worse than dense is acceptable: 0.01 or 1%. Relative to dense for perplexity; in "
                 "the metric's own units otherwise (for acc, 1% is one percentage point)")
      ->type_name("E")
      ->capture_default_str();
  app.add_option("--metric", metric_,
                 "acc, acc_norm, exact_match, perplexity, nll, answer_nll or continuation_nll; by default "
                 "acc if the results have it, else perplexity")
      ->type_name("NAME");
  app.add_option("--confidence", confidence_,
                 "Confidence of the paired interval whose worse end must be acceptable; 0 = judge by the "
                 "difference itself")
      ->type_name("C")
      ->capture_default_str();
  add_format(app, format_, "By default, the ending of -o decides; without -o, a table");
  declare_output(app, output_, "Write it to this file instead of standard output");
}

ChoiceQuery ChooseCommand::resolve(const std::vector<CellResult>& cells) const {
  ChoiceQuery query{metric_, parse_fraction(within_, "--within", 0, 1e9),
                    parse_fraction(confidence_, "--confidence", 0, 0.999999)};
  const bool has_acc =
      std::ranges::any_of(cells, [](const CellResult& cell) { return cell.values.contains("acc"); });
  if (query.metric.empty()) query.metric = has_acc ? "acc" : "perplexity";
  return query;
}

void add_row(const Candidate& one, const std::string& choice, bool within, Listing& listing) {
  listing.rows.push_back({one.task.empty() ? "all" : one.task, one.phase, one.family, choice, within,
                          one.policy, one.k > 0 ? Json(one.k) : Json(nullptr), json_number(one.loss.value),
                          one.loss.most ? json_number(*one.loss.most) : Json(nullptr),
                          json_number(one.kept_elements), json_number(one.v_rows), one.protocol,
                          one.cell.empty() ? Json(nullptr) : Json(one.cell)});
}

// What several of the choices are is said once.
void add_rows(const PolicyChoice& choice, Listing& listing) {
  struct Named {
    const Candidate* candidate;
    const char* name;
  };
  const Named named[] = {{choice.smallest_k, "smallest k"},
                         {choice.fewest_elements, "fewest elements"},
                         {choice.fewest_v_rows, "fewest V rows"}};
  std::vector<const Candidate*> said;
  for (const Named& one : named) {
    if (one.candidate == nullptr || std::ranges::count(said, one.candidate) > 0) continue;
    said.push_back(one.candidate);
    std::string names;
    for (const Named& other : named)
      if (other.candidate == one.candidate)
        names += fmt::format("{}{}", names.empty() ? "" : ", ", other.name);
    add_row(*one.candidate, names, true, listing);
  }
  if (said.empty()) add_row(*choice.nearest, "none; nearest", false, listing);
}

std::string sentence_of_none(const PolicyChoice& choice, const ChoiceQuery& query) {
  const Candidate& one = *choice.nearest;
  std::string text = fmt::format("{} on {} ({}): none of {} settings is within {}", one.family,
                                 one.task.empty() ? "all tasks" : one.task, one.phase,
                                 choice.candidates.size(), loss_text(query.within, query.metric));
  if (query.confidence > 0 && !one.loss.most)
    return text +
           "; its differences have no interval (one document, or one example); --confidence 0 judges by the "
           "differences alone";
  return text + fmt::format("; the nearest is {}, {} worse{}", one.policy,
                            loss_text(one.loss.value, query.metric),
                            one.loss.most ? ", at most " + loss_text(*one.loss.most, query.metric) : "");
}

Listing ChooseCommand::listing(const std::vector<PolicyChoice>& choices, const ChoiceQuery& query,
                               bool has_perplexity) const {
  Listing listing;
  listing.schema = "toptheta.choice/1";
  const std::string sure =
      query.confidence > 0 ? fmt::format(" with {:g}% confidence", 100 * query.confidence) : ", as measured";
  listing.heading = fmt::format("{}: {} at most {} worse than dense{}", results_, query.metric,
                                loss_text(query.within, query.metric), sure);
  listing.about = {{"metric", query.metric}, {"within", query.within}, {"confidence", query.confidence}};
  listing.columns = {{"task", "task", false},
                     {"phase", "phase", false, 1},
                     {"family", "policy", false, 3},  // the setting names it, too
                     {"choice", "choice", false},
                     {"within", "within", false, 4},  // the choice says it
                     {"policy", "setting", false},
                     {"k", "k", true, 2},  // of the setting
                     loss_column("loss", "worse by", query.metric),
                     loss_column("loss_most", "at most", query.metric),
                     {"kept_elements", "elements %", true, 0, Shown::percent},
                     {"v_rows", "V rows %", true, 0, Shown::percent},
                     {"protocol", "protocol", false, 5},
                     {"cell", "cell", false, 6}};
  if (metric_.empty() && query.metric == "acc" && has_perplexity)
    listing.notes.emplace_back("some results have a perplexity: --metric perplexity chooses by it");
  for (const PolicyChoice& choice : choices) {
    add_rows(choice, listing);
    if (!choice.found()) listing.notes.push_back(sentence_of_none(choice, query));
  }
  return listing;
}

void ChooseCommand::run(Session& session) {
  if (results_.empty())
    throw UsageError({.where = "choose",
                      .what = "no results given",
                      .next = "tt-eval choose results --within 0.01 --metric acc"});
  const std::vector<CellResult> cells = read_results(results_);
  require_distinct(output_, results_, "-o");
  for (const std::string& note : describe_cells(results_))
    session.console.note(note);
  const ChoiceQuery query = resolve(cells);
  const bool has_perplexity =
      std::ranges::any_of(cells, [](const CellResult& cell) { return cell.values.contains("perplexity"); });
  write_output(output_, format_listing(listing(choose_cells(cells, query), query, has_perplexity), format(),
                                       layout_of(output_)));
}

}  // namespace

std::unique_ptr<Command> make_choose_command() {
  return std::make_unique<ChooseCommand>();
}

}  // namespace toptheta::app
