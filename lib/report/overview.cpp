#include "report/overview.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "report/number.hpp"

namespace toptheta {

namespace {

using Runs = std::span<const RunResult>;

// The runs of each task, one after the other.
std::vector<Runs> tasks_of(Runs runs) {
  std::vector<Runs> tasks;
  while (!runs.empty()) {
    const auto end = std::find_if(runs.begin(), runs.end(),
                                  [&](const RunResult& run) { return !same_task(run, runs.front()); });
    tasks.push_back(runs.first(static_cast<std::size_t>(end - runs.begin())));
    runs = runs.subspan(tasks.back().size());
  }
  return tasks;
}

bool same_policies(const std::vector<Runs>& tasks) {
  return std::all_of(tasks.begin(), tasks.end(), [&](const Runs& runs) {
    return std::equal(runs.begin(), runs.end(), tasks[0].begin(), tasks[0].end(),
                      [](const RunResult& a, const RunResult& b) {
                        return label_of(a.policy) == label_of(b.policy) &&
                               a.policy.thresholds == b.policy.thresholds;
                      });
  });
}

// Policies that differ only in their tables are distinguished by the names of the tables.
std::vector<std::string> labels_of(Runs runs) {
  std::vector<std::string> labels;
  for (const RunResult& run : runs)
    labels.push_back(label_of(run.policy));
  std::vector<std::string> result = labels;
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (std::count(labels.begin(), labels.end(), labels[i]) > 1 && !runs[i].policy.thresholds.empty())
      result[i] += " " + std::filesystem::path(runs[i].policy.thresholds).filename().string();
  return result;
}

void add_column(SummarySection& section, const std::string& title, const std::vector<std::string>& cells,
                int spare = 0) {
  section.columns.push_back({title, true, spare});
  for (std::size_t r = 0; r < cells.size(); ++r)
    section.rows[r].push_back(cells[r]);
}

struct Figure {
  const char* metric;
  const char* title;
  bool percent;
};
constexpr int kOfEveryTask = 1000;  // secondary figures of tasks are left out before any main figure
constexpr Figure kFigures[] = {{"perplexity", "ppl", false},
                               {"acc", "acc %", true},
                               {"exact_match", "exact %", true},
                               {"answer_nll", "nll", false},
                               {"continuation_nll", "nll", false}};

void add_figures(SummarySection& section, Runs runs) {
  for (const Figure& figure : kFigures) {
    std::vector<std::string> cells;
    bool present = false;
    for (const RunResult& run : runs) {
      const Measure* measure = run.metric(figure.metric);
      present = present || measure != nullptr;
      if (measure == nullptr)
        cells.emplace_back("-");
      else
        cells.push_back(figure.percent ? format_percent(*measure) : format_measure(*measure));
    }
    if (present)
      add_column(section, fmt::format("{} {}", runs.front().task.name, figure.title), cells,
                 static_cast<int>(section.columns.size()) +
                     (std::string_view(figure.title) == "nll" ? kOfEveryTask : 0));
  }
}

void add_sparsity(SummarySection& section, const std::vector<Runs>& tasks, Phase phase) {
  std::vector<AttentionCounts> totals(section.rows.size());
  bool present = false;
  for (const Runs& runs : tasks) {
    if (runs.front().phase != phase) continue;
    for (std::size_t r = 0; r < runs.size(); ++r) {
      if (present)
        totals[r].merge(runs[r].sparsity);
      else
        totals[r] = runs[r].sparsity;
    }
    present = true;
  }
  if (!present) return;
  std::vector<std::string> kept;
  std::vector<std::string> v_rows;
  for (const AttentionCounts& counts : totals) {
    kept.push_back(format_percent(counts.kept_elements()));
    v_rows.push_back(format_percent(counts.v_rows()));
  }
  const std::string_view name = name_of(phase);
  add_column(section, fmt::format("{} kept %", name), kept);
  add_column(section, fmt::format("{} V %", name), v_rows);
}

}  // namespace

std::optional<SummarySection> overview_of(const Results& results) {
  const std::vector<Runs> tasks = tasks_of(results.runs);
  if (tasks.size() < 2 || !same_policies(tasks)) return std::nullopt;
  SummarySection section{.title = "all tasks", .columns = {{"policy", false}}, .rows = {}, .can_turn = true};
  for (const std::string& name : labels_of(tasks[0]))
    section.rows.push_back({name});
  for (const Runs& runs : tasks)
    add_figures(section, runs);
  add_sparsity(section, tasks, Phase::prefill);
  add_sparsity(section, tasks, Phase::decode);
  return section;
}

}  // namespace toptheta
