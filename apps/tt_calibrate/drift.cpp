// tt-calibrate drift: what has moved between two calibrations, or between the rows of two dumps.
#include <fmt/format.h>

#include <algorithm>

#include "calibrate/dump_source.hpp"
#include "calibrate/inputs.hpp"
#include "calibrate/source_curves.hpp"
#include "calibration/retarget.hpp"
#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "common/thresholds.hpp"
#include "core/error.hpp"
#include "io/hdf5.hpp"
#include "report/drift.hpp"
#include "tt_calibrate/commands.hpp"
#include "tt_calibrate/table_path.hpp"

namespace toptheta::app {

namespace {

constexpr std::size_t kNamedDrifts = 5;

class DriftCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  void require_flags() const;
  [[nodiscard]] std::vector<ThresholdTable> tables_of_dumps(Session& session) const;

  std::vector<std::string> files_;
  std::string k_;
  std::optional<Placement> placement_{};
  double tolerance_ = 0.1;
  std::size_t heads_ = 10;
  CLI::Option* tolerance_option_ = nullptr;
  std::optional<ResultFormat> format_;
  std::string output_;
};

void DriftCommand::declare(CLI::App& app) {
  app.add_option("files", files_, "Two threshold tables (.h5, .json, .csv or .txt), or two attention dumps");
  app.add_option("-k,--k", k_,
                 "Only these targets: 64, or 16,32,64. By default all targets that both tables have, or for "
                 "dumps a 16th of the longest row")
      ->type_name("LIST");
  add_choice(
      app, "--placement", placement_,
      "For dumps: what thresholds would be compared with (default: pre-softmax); for tables: their own");
  tolerance_option_ =
      app.add_option("--tolerance", tolerance_,
                     "A head needs recalibration if the elements it keeps change by more than this share "
                     "(without curves: if the softmax weight at its threshold does). If the flag is given, "
                     "one such head means exit status 1")
          ->type_name("X")
          ->check(non_negative())
          ->capture_default_str();
  app.add_option("--heads", heads_,
                 "Heads to list in tables for people, starting with those that moved most; 0 = all. JSON and "
                 "CSV always hold all")
      ->type_name("N")
      ->capture_default_str();
  add_format(app, format_, "By default, the ending of -o decides; without -o, a table");
  declare_output(app, output_, "Write to this file instead of standard output");
}

void DriftCommand::require_flags() const {
  if (files_.size() != 2)
    throw UsageError({.where = "drift",
                      .what = "compares two files",
                      .expected = "two threshold tables, or two dumps",
                      .found = fmt::format("{}", files_.size()),
                      .next = "tt-calibrate drift old.h5 new.h5"});
  for (const std::string& file : files_)
    require_distinct(output_, file, "-o");
}

bool is_dump(const std::string& path) {
  if (input_table_format(path) != TableFormat::hdf5) return false;
  const hdf5::File file = hdf5::File::open(path);
  return file.root().has_attribute("format") && file.root().text_attribute("format") == kDumpFormat;
}

// The curves of a dump as a table that has no targets yet.
ThresholdTable table_of_dump(const std::string& path, Placement placement, Session& session) {
  DumpSource source(std::vector<std::filesystem::path>{path});
  const SourceDescription& description = source.description();
  ThresholdTable table;
  table.meta.shape = description.shape;
  table.meta.model = description.model;
  table.meta.placement = placement;
  table.curves = curves_of(source, placement, "curves of " + path, session.stage_progress());
  return table;
}

std::vector<ThresholdTable> DriftCommand::tables_of_dumps(Session& session) const {
  std::vector<ThresholdTable> tables;
  tables.reserve(files_.size());
  for (const std::string& path : files_)
    tables.push_back(table_of_dump(path, placement_.value_or(Placement::pre_softmax), session));
  const std::int32_t longest = std::min(tables[0].curves.longest_row(), tables[1].curves.longest_row());
  const std::vector<std::int64_t> k =
      k_.empty() ? std::vector<std::int64_t>{std::max(1, longest / 16)} : parse_number_list(k_, "-k");
  for (ThresholdTable& table : tables)
    for (const std::int64_t one : k)
      table.targets.push_back(pooled_target(table, one, {}));
  return tables;
}

void DriftCommand::run(Session& session) {
  require_flags();
  const bool dumps = is_dump(files_[0]);
  if (dumps != is_dump(files_[1]))
    throw UsageError({.where = "drift",
                      .what = "a table and a dump",
                      .next = "to judge thresholds on a dump: tt-calibrate audit TABLE --on DUMP"});
  const ResultFormat format = format_.value_or(result_format_of(output_));
  std::vector<ThresholdTable> tables;
  if (dumps)
    tables = tables_of_dumps(session);
  else
    for (const std::string& path : files_)
      tables.push_back(read_thresholds(path, session.console, placement_));
  DriftReport report{
      .a = files_[0], .b = files_[1], .placement = tables[0].meta.placement, .tolerance = tolerance_};
  const std::vector<std::int64_t> k = k_.empty() ? std::vector<std::int64_t>() : parse_number_list(k_, "-k");
  report.heads = drift_between(tables[0], files_[0], tables[1], files_[1], k, tolerance_);
  report.provenance = session.provenance;
  report.provenance.inputs = input_files({files_.begin(), files_.end()});
  session.console.finish();
  const bool for_people = is_for_people(format);
  write_output(output_,
               format_listing(drift_listing(report, for_people ? heads_ : 0), format, layout_of(output_)));
  const std::int64_t moved = heads_to_recalibrate(report);
  if (tolerance_option_->count() == 0 || moved == 0) return;
  throw Error(ExitStatus::check_failed,
              {.where = fmt::format("{} and {}", files_[0], files_[1]),
               .what = fmt::format("{} of {} heads need recalibration", moved, report.heads.size()),
               .expected = fmt::format("changes of at most {:.3g}%", 100 * tolerance_),
               .found = worst_drifts(report, kNamedDrifts),
               .next = "calibrate again on texts like the newer ones"});
}

}  // namespace

std::unique_ptr<Command> make_drift_command() {
  return std::make_unique<DriftCommand>();
}

}  // namespace toptheta::app
