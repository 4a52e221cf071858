// Options and result of a calibration, whether from dumps (calibrate/from_dumps.hpp) or from a model
// (calibrate/from_model.hpp). The same rows under the same options give the same thresholds.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/number_list.hpp"
#include "theta/table.hpp"

namespace toptheta {

// Called with progress in a stage ("calibrating", "SDC", ...): `done` of `total` in `unit` ("bytes",
// "windows", ...); a total of 0 is unknown.
using StageProgress =
    std::function<void(std::string_view stage, std::int64_t done, std::int64_t total, std::string_view unit)>;

struct CalibrationOptions {
  std::vector<std::int64_t> k{};                 // one target each
  std::vector<LayerK> layer_k{};                 // layers with another k than the target's
  Placement placement = Placement::pre_softmax;  // what thresholds are compared with
  double add_sigma = 0;                          // theta = mean + add_sigma * standard deviation
  KeptEnds kept{};               // positions that are kept in any case where the thresholds will be used
  std::int64_t length_bins = 0;  // bins of row lengths per octave; 0: a threshold for every row length
  double row_fraction = 1;       // share of each sample's rows that is used
  std::uint64_t seed = 0;        // with the row lengths, decides which rows are used
  bool tac = false;              // top-k at calibration: one pass for each k; from a model only
  bool offline_sdc = false;      // gather offline SDC terms in a second pass over the same rows
  bool calibrated_sdc = false;   // gather the rho of calibrated SDC in the same second pass
  std::int64_t rho_bins = 0;     // bins of row lengths per octave over which rho is pooled; 0: no pooling
  bool rho_law = false;          // with calibrated_sdc: also fit a law for rho of each head
  bool curves = false;           // the table also gets curves, gathered in the first pass
  bool pooled = false;           // thresholds are derived from the curves; needs `curves`
  // SDC alone, for the thresholds of a finished table, whatever made them: a k for each head, another
  // calibration, another k. The options above say what the table says (adopt()).
  bool finished = false;
  StageProgress progress{};

  [[nodiscard]] bool has_sdc() const { return offline_sdc || calibrated_sdc; }
};

struct Calibration {
  ThresholdTable table;                 // without provenance
  std::vector<std::string> warnings{};  // whole sentences for the user
};

}  // namespace toptheta
