// What a run has finished so far, kept in a file until all of it is, so that a run that was cut off goes on.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "eval/result.hpp"

namespace toptheta {

// A task that was finished, under all policies.
struct FinishedTask {
  std::vector<RunResult> runs{};           // without policy and task, which are those of the run
  std::string log{};                       // lines of --log-samples
  std::vector<std::string> completions{};  // lines of --samples, of each policy
};

// FILE.unfinished
std::filesystem::path unfinished_path(const std::filesystem::path& output);

// `origin`: what the run is made from (command, inputs, seed, program): two runs of one origin give the same
// results. Every number is kept exactly.
std::string unfinished_text(const std::string& origin, const std::vector<FinishedTask>& tasks);

// The tasks of the file, or none where there is no such file. Throws InputError for one of another origin and
// one that is damaged.
std::vector<FinishedTask> read_unfinished(const std::filesystem::path& path, const std::string& origin,
                                          const ModelShape& shape);

}  // namespace toptheta
