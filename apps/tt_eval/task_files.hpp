// --task: files, directories of texts, or the embedded tasks.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tasks/task.hpp"

namespace toptheta::app {

// A .txt or JSON Lines file; or a directory, whose .txt files are the documents of one text task named after
// it. Throws InputError as load_task() does, and for a directory without texts.
Task load_task_path(const std::filesystem::path& path, const TaskOptions& options);

// The embedded held-out texts and tasks.
std::vector<std::filesystem::path> embedded_tasks();

}  // namespace toptheta::app
