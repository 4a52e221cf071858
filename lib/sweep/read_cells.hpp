// Finished results as they are compared: one entry for each policy on each task.
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
  std::string name;      // of the sweep's cell; of a result of run: task, policy and phase
  std::string file;      // in a folder: its file without ".json"
  std::string identity;  // task, policy and phase: the same in a sweep and in a result of run
  std::string model_sha256;
  std::string task;
  std::string task_sha256;
  std::int64_t examples = 0;  // 0: not said
  std::string phase;
  std::string attention;  // "theta"
  std::string policy;     // with all that is set: "theta k=64 sdc=exact"
  std::string family;     // without what is a number: "theta sdc=exact"
  std::int64_t k = 0;     // 0: it has none
  std::string protocol;   // of a sweep's cell: the flags of run that say neither model, task nor policy
  std::uint64_t seed = 0;
  // Metrics, and of the sparsity the figures that apply to the policy: acc, nll, kept_elements, v_rows, ...
  std::map<std::string, Measure> values;
  std::map<std::string, PairedDifference> paired;      // from dense, as the result has them
  std::map<std::string, std::vector<double>> samples;  // RunResult::samples

  [[nodiscard]] bool is_dense() const { return attention == "dense"; }
};

// All runs of a file of tt-eval run, all cells of a sweep's directory by name, or all runs of all results
// (*.json) in a directory, each of another thing. Throws InputError for what is none of these.
std::vector<CellResult> read_results(const std::filesystem::path& path);
// The same of a file's text; errors name `name`.
std::vector<CellResult> parse_results(std::string_view text, const std::string& name);

// The same of results at hand.
std::vector<CellResult> cells_of(const Results& results);

// The entry of this name (identity where `by_identity`); null where there is none.
const CellResult* find_cell(const std::vector<CellResult>& cells, const std::string& name,
                            bool by_identity = false);
// Dense on as many examples of the same task, by the same model and protocol; null where there is none.
const CellResult* dense_beside(const std::vector<CellResult>& cells, const CellResult& cell);

}  // namespace toptheta
