// tt-eval report: a folder of results -> one page.
#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "common/common_flags.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "io/atomic_file.hpp"
#include "page/page.hpp"
#include "sweep/cells.hpp"
#include "tt_eval/commands.hpp"

namespace toptheta::app {

namespace {

class ReportCommand : public Command {
 public:
  void declare(CLI::App& app) override {
    app.add_option("results", results_,
                   "Directory written by tt-eval sweep, a directory of results (.json), or a single result")
        ->type_name("DIR");
    app.add_option("--figures", figures_, "Also write every chart to this directory, as SVG")
        ->type_name("DIR")
        ->group(kOutputGroup);
    app.add_option("--audit", audit_, "Also show what tt-calibrate audit --format json found about a table")
        ->type_name("FILE")
        ->group(kOutputGroup);
    declare_output(app, output_, "Write the page to this file instead of standard output");
  }
  void run(Session& session) override {
    if (results_.empty())
      throw UsageError({.where = "report",
                        .what = "no directory of results given",
                        .next = "tt-eval report DIR -o report.html"});
    require_no_terminal(output_, "report", "tt-eval report DIR -o report.html");
    require_distinct(output_, results_, "-o");
    const page::Cells found = page::read_cells(results_);
    for (const std::string& note : describe_cells(results_))
      session.console.note(note);
    for (const std::string& note : found.notes)
      session.console.note(note);
    const std::vector<page::NamedTable> tables = page::tables_of(found.cells, results_);
    for (const page::NamedTable& table : tables)
      if (!table.problem.empty())
        session.console.note(fmt::format("{}: its thresholds are not shown: {}", table.path, table.problem));
    std::optional<page::AuditFile> audit;
    if (!audit_.empty()) audit = page::read_audit(audit_);
    write_output(output_, page::format_page(found.cells, tables, audit));
    if (figures_.empty()) return;
    std::error_code error;
    std::filesystem::create_directories(figures_, error);
    for (const page::Chart& chart : page::charts_of(found.cells, tables))
      write_file_atomically(std::filesystem::path(figures_) / (chart.name + ".svg"), page::standalone(chart));
  }

 private:
  std::string results_{};
  std::string figures_{};
  std::string audit_{};
  std::string output_{};
};

}  // namespace

std::unique_ptr<Command> make_report_command() {
  return std::make_unique<ReportCommand>();
}

}  // namespace toptheta::app
