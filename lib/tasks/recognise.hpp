// Finds the task file that describes a data set.
#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "tasks/task_file.hpp"

namespace toptheta {

// The form of a task file that a line fits.
struct TaskMatch {
  const TaskDefinition* task = nullptr;
  const TaskForm* form = nullptr;
  bool named = false;  // the user named the task, so only the required fields were checked
};

// Why a line does not fit a form, in a few words; nullopt if it fits. If `named`, the user has named the
// task, and only the required fields are checked.
std::optional<std::string> misfit(const TaskForm& form, const JsonValue& line, bool named,
                                  std::span<const TaskDefinition> tasks);

// The only form of all `tasks` that the line fits: its required fields are there, and nothing contradicts it.
// A field contradicts a form that does not know it if some other task requires that field. The user's own
// tasks (TaskDefinition::own) take precedence, and for them only the required fields are checked. Throws
// InputError at the line if no form fits, or several do, naming the candidates and what to do.
TaskMatch recognise(const JsonValue& line, std::span<const TaskDefinition> tasks,
                    const std::filesystem::path& file);

// The first form of a named task that the line fits. Throws InputError saying what is missing if it fits
// none.
TaskMatch fit_named(const JsonValue& line, const TaskDefinition& task);

}  // namespace toptheta
