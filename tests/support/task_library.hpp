// The task files that come with the program. Tests run in the source tree's root.
#pragma once
#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/task_file.hpp"

namespace toptheta::testing {

inline const std::vector<TaskDefinition>& shipped_tasks() {
  static const std::vector<TaskDefinition> tasks = read_task_files("data/tasks");
  return tasks;
}

inline const TaskDefinition& shipped_task(std::string_view name) {
  for (const TaskDefinition& task : shipped_tasks())
    if (task.is_called(name)) return task;
  throw std::invalid_argument("no task " + std::string(name));
}

}  // namespace toptheta::testing
