// Cells: one result of `tt-eval run` or `tt-eval sweep` each (schema "toptheta.result/1", docs/cli.md), read
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
  double low = kAbsent;    // 95%, where the result has an interval
  double high = kAbsent;
  double p = kAbsent;  // of a paired difference: McNemar's exact test
};

// Shares of what dense attention would touch, 0 to 1; absent (NaN) where they mean nothing.
struct Sparsity {
  double kept = kAbsent;
  double v_rows = kAbsent;
  double k_rows = kAbsent;
  double empty_tiles = kAbsent;
  double effective_k = kAbsent;   // kept over what top-k would keep
  double lost_mass = kAbsent;     // mean per row
  double output_error = kAbsent;  // relative L2 error of the head's output, where the result has it
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
  std::string file{};  // its name, for people
  CellModel model{};
  CellPolicy policy{};
  CellTask task{};
  std::string phase{};
  std::vector<std::pair<std::string, Estimate>> metrics{};
  std::vector<std::pair<std::string, Estimate>> paired{};  // differences from dense
  std::vector<std::pair<std::string, std::int64_t>> counts{};
  Sparsity total{};
  std::vector<Sparsity> layers{};      // [layers]; empty where the result lacks it, as the two below
  std::vector<Sparsity> heads{};       // [layers * heads]
  std::vector<double> group_v_rows{};  // [layers * kv_heads]
  Provenance provenance{};

  [[nodiscard]] const Estimate* metric(const std::string& name) const;
  [[nodiscard]] const Estimate* difference(const std::string& name) const;
  [[nodiscard]] bool is_dense() const { return policy.attention == "dense"; }
};

// What a folder or a file of results holds.
struct Cells {
  std::vector<Cell> cells{};         // in the order of the files' names
  std::vector<std::string> notes{};  // what was read and is not shown, for the console
};

// The results of DIR/cells/*.json, of DIR/*.json where there is no such folder, or of one file. The same
// result in two files counts once. Throws InputError, with the file's name, for what is not a result, for
// damage, for two results that differ and should not, and where there is none.
Cells read_cells(const std::filesystem::path& path);

}  // namespace toptheta::page
