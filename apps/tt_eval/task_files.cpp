#include "tt_eval/task_files.hpp"

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

Task load_task_path(const fs::path& path, const TaskOptions& options) {
  if (!fs::is_directory(path)) return load_task(path, options);
  std::vector<fs::path> files = texts_in(path);
  if (options.limit && *options.limit < static_cast<std::int64_t>(files.size()))
    files.resize(static_cast<std::size_t>(*options.limit));
  std::vector<TextDocument> documents;
  for (const fs::path& file : files) {
    Task one = load_task(file, options);
    for (TextDocument& document : std::get<std::vector<TextDocument>>(one.examples))
      documents.push_back(std::move(document));
  }
  const std::string name = (path.has_filename() ? path : path.parent_path()).filename().string();
  return Task{name, "text", path.string(), sha256_of_path(path), std::move(documents)};
}

std::vector<fs::path> embedded_tasks() {
  const EmbeddedData data = find_embedded_data();
  std::vector<fs::path> tasks = {data.root / "heldout-a"};
  for (const fs::path& file : data.files("tasks", ".jsonl"))
    if (file.stem().string().ends_with("-a")) tasks.push_back(file);
  return tasks;
}

}  // namespace toptheta::app
