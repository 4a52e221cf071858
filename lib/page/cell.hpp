// A cell is one result of `tt-eval run` or `tt-eval sweep` (schema "toptheta.result/1", docs/cli.md), read
// back.
#pragma once
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/provenance.hpp"

namespace toptheta::page {

inline constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

struct Estimate {
  double value = kAbsent;
  double error = kAbsent;  // one standard error
  double low = kAbsent;    // 95% interval, if the result has one
  double high = kAbsent;
  double p = kAbsent;  // of a paired difference: McNemar's exact test
};

// Shares of what dense attention would touch, 0 to 1; absent (NaN) if they have no meaning.
struct Sparsity {
  double kept = kAbsent;
  double v_rows = kAbsent;
  double k_rows = kAbsent;
  double empty_tiles = kAbsent;
  double effective_k = kAbsent;   // kept / what top-k would keep
  double lost_mass = kAbsent;     // mean per row
  double output_error = kAbsent;  // relative L2 error of the head's output, if the result has it
  double output_turn = kAbsent;   // 1 - cosine of the same
};

struct CellModel {
  std::string name{};
  std::string sha256{};
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
};

struct CellPolicy {
  std::string attention{};
  std::int64_t k = 0;  // 0: none
  std::string placement{};
  std::string sdc = "none";
  double sdc_scale = 1;
  bool vmc = false;
  bool cap_k = false;
  std::vector<std::int64_t> layer_k{};  // 0: dense
  bool own_head_k = false;              // heads of one layer differ
  std::string lookup{};
  std::string thresholds{};  // the table's path
  double add_sigma = 0;
  bool topk_at_calibration = false;
  std::vector<std::pair<std::string, double>> options{};  // window, sinks, keep_first, ...
};

struct CellTask {
  std::string name{};
  std::string kind{};
  std::int64_t examples = 0;
  std::string sha256{};
  std::string definition{};
};

struct Cell {
  std::string file{};  // the name of the file, for people
  CellModel model{};
  CellPolicy policy{};
  CellTask task{};
  std::string phase{};
  std::vector<std::pair<std::string, Estimate>> metrics{};
  std::vector<std::pair<std::string, Estimate>> paired{};  // differences from dense
  std::vector<std::pair<std::string, std::int64_t>> counts{};
  Sparsity total{};
  std::vector<Sparsity> layers{};      // [layers]; empty if the result lacks it, as are the next two
  std::vector<Sparsity> heads{};       // [layers * heads]
  std::vector<double> group_v_rows{};  // [layers * kv_heads]
  Provenance provenance{};

  [[nodiscard]] const Estimate* metric(const std::string& name) const;
  [[nodiscard]] const Estimate* difference(const std::string& name) const;
  [[nodiscard]] bool is_dense() const { return policy.attention == "dense"; }
};

// The contents of a folder or file of results.
struct Cells {
  std::vector<Cell> cells{};         // in the order of file names
  std::vector<std::string> notes{};  // about what was read but is not shown, for the console
};

// Reads the results in DIR/cells/*.json, in DIR/*.json if there is no such folder, or in one file. The same
// result in two files counts once. Throws InputError, with the name of the file, if a file is not a result or
// is damaged, if two results should agree and do not, and if there is no result.
Cells read_cells(const std::filesystem::path& path);

}  // namespace toptheta::page
