// Which task file a data set belongs to.
#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "tasks/task_file.hpp"

namespace toptheta {

// A form of a task file.
struct TaskMatch {
  const TaskDefinition* task = nullptr;
  const TaskForm* form = nullptr;
  bool named = false;  // the user said so; only the required fields were asked for
};

// Why a line does not fit a form, in a few words; nothing where it fits. `named`: the user named the task, so
// that only the required fields count.
std::optional<std::string> misfit(const TaskForm& form, const nlohmann::json& line, bool named,
                                  std::span<const TaskDefinition> tasks);

// The one form of all `tasks` that the line fits: its required fields are there and nothing contradicts it.
// Of the user's own tasks (TaskDefinition::own), which go first, only the required fields are asked.
// A field contradicts a form that does not know it if it is among the fields that some task requires. Throws
// InputError at `where` if none fits, or several do, naming candidates and what to do.
TaskMatch recognise(const nlohmann::json& line, std::span<const TaskDefinition> tasks,
                    const std::filesystem::path& file, const std::string& where);

// The first form of a named task that the line fits. Throws InputError, with what is missing, if none does.
TaskMatch fit_named(const nlohmann::json& line, const TaskDefinition& task, const std::string& where);

}  // namespace toptheta
