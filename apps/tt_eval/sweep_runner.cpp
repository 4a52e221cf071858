#include "tt_eval/sweep_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/policies/unit.hpp"
#include "common/embedded.hpp"
#include "common/strict.hpp"
#include "core/error.hpp"
#include "core/sha256.hpp"
#include "eval/chat.hpp"
#include "io/atomic_file.hpp"
#include "sweep/cells.hpp"
#include "tt_eval/model_flags.hpp"
#include "tt_eval/task_files.hpp"

namespace toptheta::app {

namespace {

namespace fs = std::filesystem;

// Policies that one dense pass serves at most: each has a KV cache of its own where the task is a text.
constexpr std::size_t kTogether = 8;

fs::path model_path(const RunFlags& flags) {
  return flags.model.empty() ? find_embedded_data().model() : fs::path(flags.model);
}

// Why a cell or task cannot be evaluated. What would keep any other from it as well, such as a full disk,
// ends the sweep.
template <class Work>
std::string reason_why_not(const Work& work) {
  try {
    work();
  } catch (const PeerFailed&) {
    throw;
  } catch (const UnfinishedError&) {
    throw;
  } catch (const std::bad_alloc&) {
    return "out of memory";
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

std::vector<std::string> command_of(const SweepCell& cell, bool beside_dense) {
  std::vector<std::string> words = {"tt-eval", "run"};
  for (const auto& [key, value] : cell.settings) {
    if (value == "false") continue;
    if (key == "attention" && beside_dense) words.insert(words.end(), {"--attention", "dense"});
    words.push_back("--" + key);
    if (value != "true") words.push_back(value);
  }
  return words;
}

}  // namespace

SweepRunner::SweepRunner(const std::vector<SweepCell>& all, std::span<const std::size_t> own,
                         const ThresholdFiles& tables, fs::path directory, Session& session)
    : tables_(tables), directory_(std::move(directory)), session_(session), total_(own.size()) {
  if (!all.empty()) library_ = task_library(all.front().flags.task_files);
  std::map<std::string, bool> dense;
  for (const SweepCell& cell : all)
    if (is_dense(cell.policy)) dense[cell.group] = true;
  std::map<std::string, std::size_t> index;
  for (const std::size_t i : own) {
    const auto [at, is_new] = index.emplace(all[i].group, groups_.size());
    if (is_new) groups_.push_back({{}, dense.contains(all[i].group), nullptr});
    groups_[at->second].cells.push_back(&all[i]);
  }
}

const std::string& SweepRunner::digest_of(const fs::path& path) {
  const auto [at, is_new] = digests_.emplace(path.string(), "");
  if (is_new) at->second = sha256_of_path(path);
  return at->second;
}

Results SweepRunner::header_of(const SweepGroup& group, const SweepCell& cell) {
  Results results;
  const fs::path model = model_path(cell.flags);
  results.model_sha256 = digest_of(model);
  results.provenance =
      make_provenance(command_of(cell, group.has_dense && !is_dense(cell.policy)), cell.seed);
  std::vector<InputFile>& inputs = results.provenance.inputs;
  inputs.push_back({model.string(), results.model_sha256});
  inputs.push_back({group.task->path, group.task->sha256});
  inputs.insert(inputs.end(), group.task->inputs.begin(), group.task->inputs.end());
  for (const std::string& table : cell.flags.policies.thresholds)
    inputs.push_back({table, digest_of(table)});
  return results;
}

void SweepRunner::fail(const SweepCell& cell, const std::string& reason) {
  failures_.push_back({cell.name, reason});
}

void SweepRunner::prepare(SweepGroup& group) {
  const SweepCell& first = *group.cells.front();
  const std::string reason = reason_why_not([&] {
    group.task = std::make_shared<const Task>(load_task_source(
        task_source(first.flags.tasks.front(), library_), library_, task_options(first.flags, first.seed)));
    for (const std::string& note : group.task->notes)
      session_.console.note(note);
  });
  std::vector<const SweepCell*> missing;
  for (const SweepCell* cell : group.cells) {
    remove_remains(cell_path(directory_, cell->name));
    const bool there = fs::exists(cell_path(directory_, cell->name));
    std::string own_reason = reason;
    Results header;
    if (own_reason.empty())
      own_reason = reason_why_not([&] {
        for (const std::string& table : cell->flags.policies.thresholds)
          if (!tables_.contains(table))
            (void)load_thresholds({table}, session_.console);  // says why it cannot be read
        if (needs_table(cell->policy) && cell->flags.policies.thresholds.size() == 1)
          (void)tables_.at(cell->flags.policies.thresholds.front()).table.target(cell->policy.k);
        if (there) header = header_of(group, *cell);
      });
    if (!own_reason.empty()) {
      fail(*cell, own_reason);
    } else if (there && is_finished(directory_, cell->name, header)) {
      ++found_;
    } else {
      missing.push_back(cell);
    }
  }
  done_ += static_cast<double>(group.cells.size() - missing.size());
  group.cells = std::move(missing);
}

void SweepRunner::prepare() {
  for (SweepGroup& group : groups_)
    prepare(group);
  std::vector<std::string> formats;
  for (const SweepGroup& group : groups_)
    if (group.task) formats.push_back(group.task->format);
  if (formats.size() == groups_.size()) require_all_described(library_, formats);
}

LanguageModel& SweepRunner::model_of(const SweepGroup& group) {
  const RunFlags& flags = group.cells.front()->flags;
  const std::string key = fmt::format("{}\n{}\n{}", flags.model, name_of(flags.compute), flags.strict);
  if (model_ && key == model_key_) return *model_;
  model_.reset();
  const fs::path path = resolve_model(flags.model, session_);
  const Compute compute = resolve_compute(flags.compute, session_);
  model_ = std::make_unique<LanguageModel>(load_strictly(path, compute, flags.strict, session_));
  model_key_ = key;
  return *model_;
}

std::vector<ThresholdFile> SweepRunner::tables_of(const SweepCell& cell) const {
  std::vector<ThresholdFile> files;
  files.reserve(cell.flags.policies.thresholds.size());
  for (const std::string& table : cell.flags.policies.thresholds)
    files.push_back(tables_.at(table));
  return files;
}

void SweepRunner::advance(double cells, bool whole) {
  if (whole) done_ += cells;
  session_.console.progress("sweep", static_cast<std::int64_t>(std::floor(whole ? done_ : done_ + cells)),
                            static_cast<std::int64_t>(total_), "cells");
}

void SweepRunner::run() {
  for (SweepGroup& group : groups_)
    if (!group.cells.empty()) run(group);
  session_.console.finish();
}

void SweepRunner::run(SweepGroup& group) {
  const SweepCell& first = *group.cells.front();
  LanguageModel& model = model_of(group);
  const std::string reason = reason_why_not([&] {
    if (first.flags.chat.chat)
      group.task = std::make_shared<const Task>(as_chat(*group.task, model, first.flags.chat.system));
    check_fits(*group.task, model, evaluation_options(first.flags, first.seed), session_.console);
  });
  if (!reason.empty()) {
    for (const SweepCell* cell : group.cells)
      fail(*cell, reason);
    return advance(static_cast<double>(group.cells.size()), true);
  }
  for (std::size_t at = 0; at < group.cells.size(); at += kTogether) {
    session_.cluster.check_peers();
    run(group, std::span(group.cells).subspan(at, std::min(kTogether, group.cells.size() - at)));
  }
}

void SweepRunner::estimate(DryRun& dry, const SweepGroup& group) {
  LanguageModel& model = model_of(group);
  const ModelConfig& config = model.transformer.config();
  const EvaluationOptions options = evaluation_options(group.cells.front()->flags, group.cells.front()->seed);
  dry.use(model.transformer, options.kv);
  TaskCheck check;
  const std::string reason =
      reason_why_not([&] { check = check_fits(*group.task, model, options, session_.console); });
  for (std::size_t at = 0; at < group.cells.size(); at += kTogether) {
    std::vector<PolicyPlan> plans;
    std::vector<std::string> names;
    bool dense = false;
    for (const SweepCell* cell :
         std::span(group.cells).subspan(at, std::min(kTogether, group.cells.size() - at))) {
      std::string own_reason = reason;
      if (own_reason.empty())
        own_reason = reason_why_not([&] {
          const std::int64_t context = options.context > 0 ? options.context : config.context;
          plans.push_back(plan_policies({cell->policy}, tables_of(*cell), config.shape, context).front());
          names.push_back(cell->name);
        });
      if (!own_reason.empty()) fail(*cell, own_reason);
      dense = dense || is_dense(cell->policy);
    }
    if (group.has_dense && !dense && !plans.empty()) {
      plans.push_back(plan_policies({Policy{}}, {}, config.shape, 0).front());
      names.push_back("dense, once more for these");
    }
    if (!plans.empty()) dry.add_task(*group.task, check, options, plans, names);
  }
}

void SweepRunner::run(const SweepGroup& group, std::span<const SweepCell* const> cells) {
  LanguageModel& model = model_of(group);
  const ModelConfig& config = model.transformer.config();
  std::vector<const SweepCell*> planned;
  std::vector<PolicyPlan> plans;
  for (const SweepCell* cell : cells) {
    const std::string reason = reason_why_not([&] {
      const std::int64_t context = cell->flags.context > 0 ? cell->flags.context : config.context;
      const std::vector<ThresholdFile> tables = tables_of(*cell);
      std::vector<PolicyPlan> plan = plan_policies({cell->policy}, tables, config.shape, context);
      for (const ThresholdFile& table : tables)
        if (warned_.emplace(table.path, true).second)
          warn_of_long_rows(plan, {table}, context, session_.console);
      // Once for all k of a policy that keeps more.
      const Policy& policy = plan.front().record.policy;
      const std::string kept = describe(KeptEnds{policy.keep_first, policy.keep_recent});
      if (warned_.emplace(kept + plan.front().record.thresholds, true).second)
        warn_of_kept_ends(plan, tables, session_.console);
      plans.push_back(std::move(plan.front()));
    });
    if (reason.empty())
      planned.push_back(cell);
    else
      fail(*cell, reason);
  }
  const std::string reason = reason_why_not([&] { evaluate_cells(group, planned, plans); });
  if (!reason.empty() && planned.size() > 1) {
    // One of them fails; which one is seen when each goes alone.
    for (const SweepCell* cell : planned)
      run(group, std::span(&cell, 1));
    return advance(static_cast<double>(cells.size() - planned.size()), true);
  }
  if (!reason.empty()) fail(*planned.front(), reason);
  advance(static_cast<double>(cells.size()), true);
}

void SweepRunner::evaluate_cells(const SweepGroup& group, std::span<const SweepCell* const> cells,
                                 const std::vector<PolicyPlan>& plans) {
  if (cells.empty()) return;
  LanguageModel& model = model_of(group);
  const ModelConfig& config = model.transformer.config();
  std::vector<PolicyPlan> policies = plans;
  const bool dense_beside =
      group.has_dense && std::ranges::none_of(cells, [](const SweepCell* c) { return is_dense(c->policy); });
  if (dense_beside) policies.insert(policies.begin(), plan_policies({Policy{}}, {}, config.shape, 0).front());
  EvaluationOptions options = evaluation_options(cells.front()->flags, cells.front()->seed);
  options.progress = [&](std::int64_t done, std::int64_t total, std::string_view) {
    if (done < total)
      advance(static_cast<double>(cells.size()) * static_cast<double>(done) / static_cast<double>(total),
              false);
  };
  std::vector<RunResult> results = evaluate(model, policies, *group.task, options);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    Results cell = header_of(group, *cells[i]);
    cell.model = config.name;
    cell.shape = config.shape;
    cell.runs = {std::move(results[i + (dense_beside ? 1 : 0)])};
    write_file_atomically(cell_path(directory_, cells[i]->name), cell_text(cell));
  }
}

}  // namespace toptheta::app
