// What both walks of calibration share: from dumps (calibrate_from_dumps.hpp) and from a model
// (calibrate_from_model.hpp). Same rows, same options: same thresholds.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/number_list.hpp"
#include "theta/table.hpp"

namespace toptheta {

// Called as a stage ("calibrating", "SDC", ...) goes on.
using StageProgress =
    std::function<void(std::string_view stage, std::int64_t done, std::int64_t total, std::string_view unit)>;

struct CalibrationOptions {
  std::vector<std::int64_t> k{};  // one target each
  std::vector<LayerK> layer_k{};
  Placement placement = Placement::pre_softmax;
  double add_sigma = 0;
  KeptEnds kept{};               // in any case, where the thresholds are used
  std::int64_t length_bins = 0;  // to the octave; 0: thresholds for every row length
  double row_fraction = 1;       // of each sample's rows; which ones follows from seed and row lengths alone
  std::uint64_t seed = 0;
  bool tac = false;             // top-k at calibration: one pass for each k; from a model only
  bool offline_sdc = false;     // a second pass over the same rows, with the finished thresholds
  bool calibrated_sdc = false;  // the same
  std::int64_t rho_bins = 0;  // of calibrated SDC: pooled over so many bins of lengths to the octave; 0: not
  bool curves = false;        // the table also gets curves, of the same pass
  bool pooled = false;        // and its thresholds come from them
  StageProgress progress{};

  [[nodiscard]] bool has_sdc() const { return offline_sdc || calibrated_sdc; }
};

struct Calibration {
  ThresholdTable table;                 // without provenance
  std::vector<std::string> warnings{};  // for people
};

}  // namespace toptheta
