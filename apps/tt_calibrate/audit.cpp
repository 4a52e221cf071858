// tt-calibrate audit: does a threshold table keep the k it was asked for, on rows that it has not seen?
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "calibrate/dump_source.hpp"
#include "calibrate/inputs.hpp"
#include "calibrate/model_source.hpp"
#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "common/thresholds.hpp"
#include "core/error.hpp"
#include "report/audit.hpp"
#include "tt_calibrate/calibration_source.hpp"
#include "tt_calibrate/commands.hpp"
#include "tt_calibrate/table_path.hpp"

namespace toptheta::app {

namespace {

constexpr EmbeddedTexts kHeldOut = {"heldout-a", "held-out"};
constexpr std::size_t kNamedHeads = 5;

class AuditCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  void require_flags() const;
  [[nodiscard]] AuditReport audit(Session& session) const;
  [[nodiscard]] AuditOptions options(Session& session) const;

  std::string table_;
  std::vector<std::string> dumps_;
  SourceFlags source_;
  std::string k_;
  double tolerance_ = 0;
  double head_tolerance_ = 0;
  double precision_ = 0.03;
  std::size_t heads_ = 10;
  CLI::Option* tolerance_option_ = nullptr;
  CLI::Option* head_tolerance_option_ = nullptr;
  std::optional<ResultFormat> format_{};
  std::string output_;
};

void AuditCommand::declare(CLI::App& app) {
  app.add_option("table", table_, "Threshold table (.h5, .json, .csv or .txt)");
  app.add_option("--on", dumps_, "Attention dumps (HDF5) to audit on; without them, --model and --text")
      ->type_name("FILE")
      ->group(kInputGroup);
  declare_source(app, source_, kHeldOut);
  app.add_option("-k,--k", k_, "Only these targets: 64, or 16,32,64; by default all")->type_name("LIST");
  tolerance_option_ =
      app.add_option("--tolerance", tolerance_,
                     "Exit with status 1 if effective k / k, as the geometric mean over heads, differs from "
                     "1 by more than this: 0.05. Without the flag nothing is checked")
          ->type_name("X")
          ->check(non_negative());
  head_tolerance_option_ =
      app.add_option("--head-tolerance", head_tolerance_, "The same check for every single head")
          ->type_name("X")
          ->check(non_negative());
  app.add_option(
         "--precision", precision_,
         "How precisely effective k should be known, for the advice on the number of documents: 0.03 = ±3%")
      ->type_name("X")
      ->check(positive())
      ->capture_default_str();
  app.add_option("--heads", heads_,
                 "Heads to list for each k in tables for people, starting with those farthest from it; 0 = "
                 "all. JSON and CSV always hold all")
      ->type_name("N")
      ->capture_default_str();
  add_format(app, format_, "By default, the ending of -o decides; without -o, a table");
  declare_output(app, output_, "Write to this file instead of standard output");
}

void AuditCommand::require_flags() const {
  if (table_.empty())
    throw UsageError({.where = "audit",
                      .what = "no threshold table given",
                      .next = "tt-calibrate audit theta.h5 --on held-out.h5"});
  const bool from_model = source_.any() || source_.context != 0 || source_.strict;
  if (!dumps_.empty() && from_model)
    throw UsageError({.where = "audit",
                      .what = "dumps and a model at the same time",
                      .next = "give either --on DUMP, or --model, --text, --context and --strict"});
  require_distinct(output_, table_, "-o");
  for (const std::string& dump : dumps_)
    require_distinct(output_, dump, "-o");
}

AuditOptions AuditCommand::options(Session& session) const {
  AuditOptions options;
  if (!k_.empty()) options.k = parse_number_list(k_, "-k");
  options.seed = session.seed;
  options.progress = session.stage_progress();
  return options;
}

// An audit on the rows to which thresholds were fitted says little about other rows. `audited` are the files
// that the audit's rows come from.
void warn_of_known_rows(const ThresholdTable& table, std::span<const InputFile> audited, Session& session) {
  const auto is_known = [&table](const InputFile& file) {
    return std::any_of(table.meta.provenance.inputs.begin(), table.meta.provenance.inputs.end(),
                       [&file](const InputFile& known) {
                         return (!file.sha256.empty() && known.sha256 == file.sha256) ||
                                (!file.fingerprint.empty() && known.fingerprint == file.fingerprint);
                       });
  };
  for (const InputFile& file : audited)
    if (is_known(file))
      session.console.warn(
          fmt::format("{} was used for calibration, so its rows are not unseen ones", file.path),
          "audit on other texts");
}

AuditReport AuditCommand::audit(Session& session) const {
  const ThresholdTable table = read_thresholds(table_, "audit", session.console);
  AuditReport report{.table = table_, .meta = table.meta, .precision = precision_};
  AuditOptions how = options(session);
  if (!dumps_.empty()) {
    DumpSource source(std::vector<std::filesystem::path>(dumps_.begin(), dumps_.end()));
    report.audit = audit_table(table, table_, source, how);
    report.provenance = session.provenance_of({table_});
    const std::vector<InputFile> dumps = input_files({dumps_.begin(), dumps_.end()});
    report.provenance.inputs.insert(report.provenance.inputs.end(), dumps.begin(), dumps.end());
    warn_of_known_rows(table, dumps, session);
    return report;
  }
  const CalibrationSource from = resolve_source(source_, session, kHeldOut);
  for (const auto& text : from.files())
    require_distinct(output_, text, "-o");
  LanguageModel model = load_model(from, session);
  const std::vector<TextWindow> windows = text_windows(model, from.texts, source_.context, from.ids);
  for (const TextWindow& window : windows)
    how.document_of.push_back(window.document);
  ModelSource source(model, windows, table.meta.placement, {}, source_.context);
  report.audit = audit_table(table, table_, source, how);
  report.provenance = provenance_of(from, model, session);
  warn_of_known_rows(table, std::span(report.provenance.inputs).subspan(1), session);  // after the model
  const Provenance of_table = session.provenance_of({table_});
  report.provenance.inputs.insert(report.provenance.inputs.begin(), of_table.inputs.front());
  return report;
}

// Throws Error with status 1 where the check does not hold.
void require_check(const AuditReport& report) {
  const std::vector<AuditFailure> failures = failures_of(report.audit, report.check);
  if (failures.empty()) return;
  const AuditFailure& first = failures.front();
  const double tolerance = first.head == nullptr ? *report.check.mean : *report.check.head;
  const auto target = std::find_if(report.audit.targets.begin(), report.audit.targets.end(),
                                   [&](const AuditedTarget& one) { return one.k == first.k; });
  std::string worst;
  for (const AuditedHead* head : worst_heads(*target, kNamedHeads))
    worst += (worst.empty() ? "" : "; ") + describe(*head);
  throw Error(ExitStatus::check_failed,
              {.where = fmt::format("{}, k = {}", report.table, format_k(first.k)),
               .what = first.head == nullptr ? "effective k is not the k asked for"
                                             : fmt::format("effective k of {} heads is not the k asked for",
                                                           std::count_if(failures.begin(), failures.end(),
                                                                         [](const AuditFailure& failure) {
                                                                           return failure.head != nullptr;
                                                                         })),
               .expected = fmt::format("effective k / k of {} to {}", 1 - tolerance, 1 + tolerance),
               .found = fmt::format("{}; farthest from it: {}", describe(first.ratio), worst),
               .next = "calibrate on texts like these, on more texts, or with --estimator pooled"});
}

void AuditCommand::run(Session& session) {
  require_flags();
  const ResultFormat format = format_.value_or(result_format_of(output_));
  AuditReport report = audit(session);
  if (tolerance_option_->count() > 0) report.check.mean = tolerance_;
  if (head_tolerance_option_->count() > 0) report.check.head = head_tolerance_;
  session.console.finish();
  const bool for_people = is_for_people(format);
  write_output(output_,
               format_listing(audit_listing(report, for_people ? heads_ : 0), format, layout_of(output_)));
  if (!for_people || !output_.empty())
    for (const std::string& advice : advice_of(report))
      session.console.note(advice);
  require_check(report);
}

}  // namespace

std::unique_ptr<Command> make_audit_command() {
  return std::make_unique<AuditCommand>();
}

}  // namespace toptheta::app
