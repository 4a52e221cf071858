// Finished results, for comparisons: one entry for each policy on each task.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/result.hpp"

namespace toptheta {

struct CellResult {
  std::string name;      // of the sweep's cell; for a result of run: task, policy and phase
  std::string file;      // in a folder: the name of its file, without ".json"
  std::string identity;  // task, policy and phase: the same in a sweep and in a result of run
  std::string model_sha256;
  std::string task;
  std::string task_sha256;
  std::string definition;     // the task file by which the task was read; empty: not said
  std::int64_t examples = 0;  // 0: not said
  std::string phase;
  std::string attention;  // "theta"
  std::string policy;     // with all settings: "theta k=64 sdc=exact"
  std::string family;     // without numbers: "theta sdc=exact"
  std::int64_t k = 0;     // 0: none
  std::string protocol;   // of a sweep's cell: the flags of run other than model, task and policy
  std::uint64_t seed = 0;
  // Metrics, and the sparsity figures that apply to the policy: acc, nll, kept_elements, v_rows, ...
  std::map<std::string, Measure> values;
  std::map<std::string, PairedDifference> paired;      // from dense, as the result has them
  std::map<std::string, std::vector<double>> samples;  // RunResult::samples

  [[nodiscard]] bool is_dense() const { return attention == "dense"; }
};

// Reads all runs in a file of tt-eval run, all cells in the directory of a sweep (by name), or all runs of
// all results (*.json) in a directory, which must all be different. Throws InputError for anything else, and
// for results that contradict themselves: shares that are not between 0 and 1, intervals that end before they
// begin, samples that are not those of the examples or of the value.
std::vector<CellResult> read_results(const std::filesystem::path& path);
// The same for the text of a file; errors call it `name`.
std::vector<CellResult> parse_results(std::string_view text, const std::string& name);

// The same for results in memory.
std::vector<CellResult> cells_of(const Results& results);

// The entry with this name (or this identity, if `by_identity`); null if there is none.
const CellResult* find_cell(const std::vector<CellResult>& cells, const std::string& name,
                            bool by_identity = false);
// Dense on the same task with as many examples, the same model and the same protocol; null if there is none.
const CellResult* dense_beside(const std::vector<CellResult>& cells, const CellResult& cell);

}  // namespace toptheta
