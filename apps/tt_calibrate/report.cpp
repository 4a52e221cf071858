// tt-calibrate report: a threshold table -> one page.
#include <filesystem>
#include <optional>

#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/output.hpp"
#include "common/thresholds.hpp"
#include "core/error.hpp"
#include "io/atomic_file.hpp"
#include "page/page.hpp"
#include "theta/formats/table_formats.hpp"
#include "tt_calibrate/commands.hpp"

namespace toptheta::app {

namespace {

class TableReportCommand : public Command {
 public:
  void declare(CLI::App& app) override {
    app.add_option("table", table_, "Threshold table (" + listed_endings(true) + ")");
    app.add_option("-k,--k", k_, "Only this target; 0 = all")
        ->type_name("K")
        ->check(non_negative())
        ->capture_default_str();
    add_choice(app, "--placement", placement_,
               "The placement of a .txt or .csv table, which does not record it (default: pre-softmax)");
    app.add_option("--audit", audit_, "Also show what tt-calibrate audit --format json found")
        ->type_name("FILE")
        ->group(kOutputGroup);
    app.add_option("--figures", figures_, "Also write every chart to this directory, as SVG")
        ->type_name("DIR")
        ->group(kOutputGroup);
    declare_output(app, output_, "Write the page to this file instead of standard output");
  }
  void run(Session& session) override;

 private:
  std::string table_{};
  std::int64_t k_ = 0;
  std::optional<Placement> placement_{};
  std::string audit_{};
  std::string figures_{};
  std::string output_{};
};

void TableReportCommand::run(Session& session) {
  if (table_.empty())
    throw UsageError({.where = "report",
                      .what = "no threshold table given",
                      .next = "tt-calibrate report theta.h5 -o page.html"});
  require_no_terminal(output_, "report", "tt-calibrate report theta.h5 -o page.html");
  require_distinct(output_, table_, "-o");
  const ThresholdTable table = read_thresholds(table_, session.console, placement_);
  std::optional<page::AuditFile> audit;
  if (!audit_.empty()) {
    require_distinct(output_, audit_, "-o");
    audit = page::read_audit(audit_);
  }
  write_output(output_, page::format_table_page(table, table_, k_, audit));
  if (figures_.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(figures_, error);
  for (const page::Chart& chart : page::charts_of(table, k_))
    write_file_atomically(std::filesystem::path(figures_) / (chart.name + ".svg"), page::standalone(chart));
}

}  // namespace

std::unique_ptr<Command> make_report_command() {
  return std::make_unique<TableReportCommand>();
}

}  // namespace toptheta::app
