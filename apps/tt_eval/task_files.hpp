// --task, --task-file: data sets and the task files that say how they are read.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "common/console.hpp"
#include "eval/runner.hpp"
#include "tasks/task.hpp"
#include "tasks/task_file.hpp"

namespace toptheta::app {

// The user's own task files (--task-file), followed by those that ship with the program. Throws InputError as
// read_task_file() does, and UsageError if those of the program are not found.
std::vector<TaskDefinition> task_library(const std::vector<std::string>& own_files);

// What --task names: FILE, or NAME:FILE.
struct TaskSource {
  std::filesystem::path path;
  const TaskDefinition* named = nullptr;  // into the library; null: recognised by its fields
};

// Reads NAME:FILE if no file has that name and NAME is a task. Throws UsageError if NAME is not a task.
TaskSource task_source(const std::string& text, const std::vector<TaskDefinition>& library);

// A text or JSON Lines file; or a directory, whose .txt files are the documents of one text task named after
// it. Throws InputError as load_task() does, and for a directory without texts.
Task load_task_source(const TaskSource& source, const std::vector<TaskDefinition>& library,
                      const TaskOptions& options);

// Throws UsageError if one of the user's own task files describes none of the tasks with these formats.
void require_all_described(const std::vector<TaskDefinition>& library,
                           const std::vector<std::string>& formats);

// Checks before a task runs for anything that could stop it half way, and returns what it found out. Throws
// as check_task() does; warns about contexts that are cut.
TaskCheck check_fits(const Task& task, const LanguageModel& model, const EvaluationOptions& options,
                     Console& console);

// The embedded held-out texts and tasks.
std::vector<std::filesystem::path> embedded_tasks();

}  // namespace toptheta::app
