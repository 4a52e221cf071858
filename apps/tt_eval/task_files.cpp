#include "tt_eval/task_files.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/embedded.hpp"
#include "core/error.hpp"
#include "core/sha256.hpp"

namespace toptheta::app {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> texts_in(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory))
    if (entry.is_regular_file() && entry.path().extension() == ".txt") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  if (files.empty())
    throw InputError({.where = directory.string(),
                      .what = "a task directory without texts",
                      .expected = "files ending in .txt",
                      .next = "give a file, or a directory of texts"});
  return files;
}

}  // namespace

std::vector<TaskDefinition> task_library(const std::vector<std::string>& own_files) {
  std::vector<TaskDefinition> library;
  for (const std::string& path : own_files) {
    library.push_back(read_task_file(path));
    library.back().own = true;
  }
  for (TaskDefinition& task : read_task_files(find_task_files())) {
    const bool replaced = std::ranges::any_of(
        library, [&task](const TaskDefinition& own) { return own.own && own.name == task.name; });
    if (!replaced) library.push_back(std::move(task));
  }
  return library;
}

TaskSource task_source(const std::string& text, const std::vector<TaskDefinition>& library) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0 || fs::exists(text)) return {text, nullptr};
  const std::string name = text.substr(0, colon);
  if (name.find('/') != std::string::npos) return {text, nullptr};
  const auto found =
      std::ranges::find_if(library, [&name](const TaskDefinition& task) { return task.is_called(name); });
  if (found != library.end()) return {text.substr(colon + 1), &*found};
  std::string known;
  for (const TaskDefinition& task : library)
    known += (known.empty() ? "" : ", ") + task.name;
  throw UsageError({.where = "--task " + text,
                    .what = "no such task: " + name,
                    .expected = "FILE, or NAME:FILE with one of " + known,
                    .next = "describe the data set in a task file and give --task-file (docs/tasks.md)"});
}

Task load_task_source(const TaskSource& source, const std::vector<TaskDefinition>& library,
                      const TaskOptions& options) {
  if (!fs::is_directory(source.path)) {
    Task task = load_task(source.path, library, options, source.named);
    const auto used = std::ranges::find(library, task.format, &TaskDefinition::name);
    if (used != library.end() && used->own) task.inputs.push_back({used->path.string(), used->sha256});
    return task;
  }
  const fs::path& path = source.path;
  std::vector<fs::path> files = texts_in(path);
  if (options.limit && *options.limit < static_cast<std::int64_t>(files.size()))
    files.resize(static_cast<std::size_t>(*options.limit));
  std::vector<TextDocument> documents;
  for (const fs::path& file : files) {
    Task one = load_task(file, library, options, source.named);
    for (TextDocument& document : std::get<std::vector<TextDocument>>(one.examples))
      documents.push_back(std::move(document));
  }
  Task task;
  task.name = (path.has_filename() ? path : path.parent_path()).filename().string();
  task.format = source.named != nullptr ? source.named->name : "text";
  task.path = path.string();
  task.sha256 = sha256_of_path(path);
  task.examples = std::move(documents);
  return task;
}

void require_all_described(const std::vector<TaskDefinition>& library,
                           const std::vector<std::string>& formats) {
  for (const TaskDefinition& own : library)
    if (own.own && std::ranges::find(formats, own.name) == formats.end())
      throw UsageError({.where = "--task-file " + own.path.string(),
                        .what = "describes none of the tasks",
                        .expected = "a file given with --task whose lines have the fields that it requires",
                        .next = fmt::format("name it: --task {}:FILE", own.name)});
}

TaskCheck check_fits(const Task& task, const LanguageModel& model, const EvaluationOptions& options,
                     Console& console) {
  const TaskCheck check = check_task(model, task, options);
  if (check.truncated > 0)
    console.warn(
        fmt::format("{}: the contexts of {} requests exceed the model's context and lose their start",
                    task.path, check.truncated),
        "shorten them, use fewer solved examples, or take a model with a longer context");
  return check;
}

std::vector<fs::path> embedded_tasks() {
  const EmbeddedData data = find_embedded_data();
  std::vector<fs::path> tasks = {data.root / "heldout-a"};
  for (const fs::path& file : data.files("tasks", ".jsonl"))
    if (file.stem().string().ends_with("-a")) tasks.push_back(file);
  return tasks;
}

}  // namespace toptheta::app
