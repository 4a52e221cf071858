// tt-eval sweep: every combination of policies, tasks and protocols, a file for each.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "common/shard_flag.hpp"
#include "common/signals.hpp"
#include "core/error.hpp"
#include "io/atomic_file.hpp"
#include "io/text_file.hpp"
#include "report/format.hpp"
#include "report/json.hpp"
#include "sweep/cells.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/sweep_cells.hpp"
#include "tt_eval/sweep_runner.hpp"

namespace toptheta::app {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct SweepFlags {
  std::string config{};
  std::string output{};
  bool resume = false;
  std::string shard{};
  bool dry_run = false;
};

std::vector<std::string> cell_names(const std::vector<SweepCell>& cells) {
  std::vector<std::string> names;
  names.reserve(cells.size());
  for (const SweepCell& cell : cells)
    names.push_back(cell.name);
  return names;
}

// DIR/sweep.json: what the cells are, in their order. The same for every share, and however often it was
// tried.
std::string plan_text(const std::vector<SweepSetting>& settings, const std::vector<SweepCell>& cells,
                      std::uint64_t seed) {
  Json json;
  json["schema"] = "toptheta.sweep/1";
  json["settings"] = Json::object();
  for (const SweepSetting& setting : settings)
    json["settings"][setting.key] = setting.values;
  json["cells"] = cell_names(cells);
  json["provenance"] = {{"version", version()}, {"commit", commit()}, {"seed", seed}};
  return format_json(json);
}

// Cells are dealt out one by one, so that each share has some of every task.
std::vector<std::size_t> share_of(std::size_t cells, const Shard& shard) {
  std::vector<std::size_t> own;
  for (std::size_t i = static_cast<std::size_t>(shard.index); i < cells;
       i += static_cast<std::size_t>(shard.count))
    own.push_back(i);
  return own;
}

class SweepCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  [[nodiscard]] bool is_parallel() const override { return true; }
  void run(Session& session) override;

 private:
  [[nodiscard]] Shard resolve_shard(const Session& session) const;
  void prepare_directory(const std::vector<SweepCell>& cells, std::span<const std::size_t> own,
                         const std::string& plan) const;
  void estimate(const std::vector<SweepCell>& cells, std::span<const std::size_t> own,
                const ThresholdFiles& tables, Session& session) const;
  void report(const SweepRunner& runner, std::size_t own, Session& session) const;

  SweepFlags flags_;
};

void SweepCommand::declare(CLI::App& app) {
  app.add_option(
         "sweep", flags_.config,
         "What to sweep: a table [sweep] with the long flags of tt-eval run, in which lists are combined "
         "with each other (docs/sweep.md). Paths in it are relative to the working directory")
      ->type_name("FILE.toml");
  declare_output(app, flags_.output,
                 "Directory for the results: sweep.json, and cells/NAME.json for each cell")
      ->type_name("DIR");
  app.add_flag("--resume", flags_.resume,
               "Continue in a directory that holds finished cells. The result is the same to the last byte")
      ->group(kOutputGroup);
  app.add_option("--shard", flags_.shard,
                 "Run share I of N of the cells, counted from 1: 2/8. The shares may write into one "
                 "directory, or into several whose cells you put together afterwards")
      ->type_name("I/N")
      ->group(kOutputGroup);
  declare_dry_run(app, flags_.dry_run);
}

Shard SweepCommand::resolve_shard(const Session& session) const {
  if (flags_.shard.empty()) return {session.cluster.rank(), session.cluster.size()};
  if (session.cluster.size() > 1)
    throw UsageError({.where = "--shard",
                      .what = "under mpirun or srun, the processes distribute the cells by themselves",
                      .found = fmt::format("{} processes", session.cluster.size()),
                      .next = "leave it out, or start each share without mpirun or srun"});
  return parse_shard(flags_.shard);
}

void SweepCommand::prepare_directory(const std::vector<SweepCell>& cells, std::span<const std::size_t> own,
                                     const std::string& plan) const {
  const fs::path directory = flags_.output;
  const fs::path plan_path = directory / "sweep.json";
  if (fs::exists(directory) && !fs::is_directory(directory))
    throw UsageError({.where = "-o", .what = "not a directory", .found = flags_.output});
  const bool empty = !fs::exists(directory) || fs::is_empty(directory);
  const bool same_plan = !empty && fs::is_regular_file(plan_path) && read_file(plan_path) == plan;
  // Another share of the same sweep may be at work here.
  const bool shared = !flags_.shard.empty() && same_plan && std::ranges::none_of(own, [&](std::size_t i) {
    return fs::exists(cell_path(directory, cells[i].name));
  });
  if (!flags_.resume && !empty && !shared)
    throw UsageError({.where = "-o",
                      .what = "the directory is not empty",
                      .found = flags_.output,
                      .next = "add --resume to continue the sweep in it, or give another directory"});
  require_no_others(directory, cell_names(cells));
  std::error_code error;
  fs::create_directories(directory / "cells", error);
  if (error)
    throw UnfinishedError({.where = "-o",
                           .what = fmt::format("cannot create the directory: {}", error.message()),
                           .found = (directory / "cells").string()});
  if (flags_.resume && flags_.shard.empty()) remove_remains(plan_path);
  if (!same_plan) write_file_atomically(plan_path, plan);
}

// The failures of all processes, at the first of them.
std::vector<SweepFailure> gathered(const SweepRunner& runner, Communicator& cluster) {
  std::vector<SweepFailure> failures = runner.failures();
  if (cluster.rank() > 0) {
    Json list = Json::array();
    for (const SweepFailure& failure : failures)
      list.push_back({failure.cell, failure.reason});
    cluster.send(0, list.dump(-1, ' ', false, Json::error_handler_t::replace));
    return {};
  }
  for (int rank = 1; rank < cluster.size(); ++rank)
    for (const Json& one : Json::parse(cluster.receive(rank)))
      failures.push_back({one[0], one[1]});
  return failures;
}

void SweepCommand::report(const SweepRunner& runner, std::size_t own, Session& session) const {
  const std::vector<SweepFailure> failures = gathered(runner, session.cluster);
  if (session.cluster.rank() > 0) return;
  std::map<std::string, std::vector<std::string>> cells_of;
  for (const SweepFailure& failure : failures)
    cells_of[failure.reason].push_back(failure.cell);
  std::string text;
  for (auto& [reason, cells] : cells_of) {
    std::ranges::sort(cells);
    text += fmt::format("{}failed: {}\n{}", text.empty() ? "" : "\n", fmt::join(cells, ", "), reason);
  }
  if (!failures.empty())
    throw UnfinishedError({.where = flags_.output,
                           .what = fmt::format("{} cell{} failed; all others are complete\n{}",
                                               failures.size(), failures.size() == 1 ? "" : "s", text),
                           .next = "mend the cause, then run again with --resume"});
  write_summary(flags_.output,
                fmt::format("{} cells in {}\n", own, (fs::path(flags_.output) / "cells").string()),
                session.console.quiet());
}

void SweepCommand::estimate(const std::vector<SweepCell>& cells, std::span<const std::size_t> own,
                            const ThresholdFiles& tables, Session& session) const {
  if (session.cluster.size() > 1)
    throw UsageError(
        {.where = "--dry-run", .what = "is for one process", .next = "start it without mpirun or srun"});
  SweepRunner runner(cells, own, tables, flags_.output, session);
  runner.prepare();
  DryRun dry("sweep", session);
  for (const SweepGroup& group : runner.groups())
    if (!group.cells.empty()) runner.estimate(dry, group);
  Listing listing = dry.listing();
  listing.heading += fmt::format("\n{} cells, {} of them finished already, {} that cannot be run", own.size(),
                                 runner.found(), runner.failures().size());
  for (const SweepFailure& failure : runner.failures())
    listing.notes.push_back(fmt::format("{}: {}", failure.cell, failure.reason));
  write_stdout(format_listing(listing, table_format(), layout_of({})));
}

void SweepCommand::run(Session& session) {
  if (flags_.config.empty())
    throw UsageError({.where = "sweep",
                      .what = "no configuration given",
                      .next = "tt-eval sweep sweep.toml -o results; docs/sweep.md describes the file"});
  if (flags_.output.empty())
    throw UsageError(
        {.where = "-o", .what = "not given", .expected = "a directory for the cells: -o results"});
  session.wait_passively();
  const std::vector<SweepSetting> settings = resolved_settings(read_sweep_config(flags_.config));
  const ThresholdFiles tables = readable_tables(settings, session.console);
  const std::vector<SweepCell> cells = sweep_cells(settings, tables, session.seed);
  for (const auto& [path, table] : tables)
    if (std::ranges::none_of(cells, [&path](const SweepCell& cell) {
          return std::ranges::find(cell.flags.policies.thresholds, path) !=
                 cell.flags.policies.thresholds.end();
        }))
      warn_of_idle_table(table, session.console);
  const std::vector<std::size_t> own = share_of(cells.size(), resolve_shard(session));
  if (flags_.dry_run) return estimate(cells, own, tables, session);
  // The first process makes the directory, then the others may write there.
  if (session.cluster.rank() == 0) {
    prepare_directory(cells, own, plan_text(settings, cells, session.seed));
    for (int rank = 1; rank < session.cluster.size(); ++rank)
      session.cluster.send(rank, "");
  } else {
    (void)session.cluster.receive(0);
  }
  SweepRunner runner(cells, own, tables, flags_.output, session);
  runner.prepare();
  if (runner.found() > 0)
    session.console.note(fmt::format("{} of {} cells are finished already", runner.found(), own.size()));
  // Hours before the end, where it is said again with all names.
  if (const std::vector<SweepFailure>& early = runner.failures(); !early.empty())
    session.console.warn(
        fmt::format("{} of {} cells cannot be run, such as {}: {}", early.size(), own.size(),
                    early.front().cell, early.front().reason.substr(0, early.front().reason.find('\n'))),
        "the others follow");
  say_resumable();
  try {
    runner.run();
  } catch (const UnfinishedError& error) {
    Problem problem = error.problem();
    problem.next +=
        fmt::format("{}mend the cause, then run again with --resume, which keeps the finished cells",
                    problem.next.empty() ? "" : "; ");
    throw UnfinishedError(problem);
  }
  report(runner, session.cluster.size() > 1 ? cells.size() : own.size(), session);
}

}  // namespace

std::unique_ptr<Command> make_sweep_command() {
  return std::make_unique<SweepCommand>();
}

}  // namespace toptheta::app
