// The finished tasks of a run, kept in a file until the run is complete, so that an interrupted run can
// continue.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "eval/result.hpp"

namespace toptheta {

// A finished task, under all policies.
struct FinishedTask {
  std::vector<RunResult> runs{};           // without policy and task, which the run knows
  std::string log{};                       // lines of --log-samples
  std::vector<std::string> completions{};  // lines of --samples, of each policy
};

// FILE.unfinished
std::filesystem::path unfinished_path(const std::filesystem::path& output);

// `origin` describes what the run is made from (command, inputs, seed, program): two runs of the same origin
// give the same results. Every number is kept exactly.
std::string unfinished_text(const std::string& origin, const std::vector<FinishedTask>& tasks);

// The tasks in the file; none if the file does not exist. Throws InputError if the file has another origin or
// is damaged.
std::vector<FinishedTask> read_unfinished(const std::filesystem::path& path, const std::string& origin,
                                          const ModelShape& shape);

}  // namespace toptheta
