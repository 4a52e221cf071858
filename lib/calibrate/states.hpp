// Everything that a calibration gathers, pass by pass, and the table it comes to.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "calibrate/setup.hpp"
#include "calibration/curve_fitter.hpp"
#include "calibration/fitter.hpp"
#include "calibration/joint_sink.hpp"
#include "calibration/sdc_fitter.hpp"

namespace toptheta {

// The k of the setup fall into groups that share a pass over the samples: all of them in one, or each by
// itself with top-k at calibration. Stage "thresholds" takes a pass for each group, and so does "sdc".
class CalibrationStates {
 public:
  // Throws UsageError for options that cannot be met.
  explicit CalibrationStates(const CalibrationSetup& setup);

  [[nodiscard]] std::size_t groups() const { return fitters_.size(); }
  // The k that the model applies while it is observed; 0: none.
  [[nodiscard]] std::int64_t topk_of(std::size_t group) const;
  // Rows up to this length are dense for the group.
  [[nodiscard]] std::int64_t smallest_k(std::size_t group) const { return fitters_[group]->smallest_k(); }

  [[nodiscard]] const ThresholdFitter& thresholds(std::size_t group) const { return *fitters_[group]; }
  // Where the rows of stage "thresholds" go: to the thresholds and, where asked for, to the curves.
  [[nodiscard]] RowSink& sink(std::size_t group);

  // The thresholds so far as a table without provenance, with its curves. Throws as ThresholdFitter::table().
  [[nodiscard]] ThresholdTable table() const;
  // Begins stage "sdc" with the thresholds gathered here, or with a table of the same setup (UsageError if it
  // is of another).
  void begin_sdc();
  void begin_sdc(const ThresholdTable& table, const std::string& name);
  [[nodiscard]] SdcFitter& sdc(std::size_t group) { return *sdc_fitters_[group]; }
  // The table of begin_sdc() with its SDC terms.
  [[nodiscard]] ThresholdTable table_with_sdc() const;

  // For people; of stage "thresholds".
  [[nodiscard]] std::vector<std::string> warnings() const;

  // The states of both stages, as far as there are any: groups thresholds-<i> with curves-<i>, and sdc-<i>.
  // Others may stand beside them.
  void save(hdf5::Group& group, bool thresholds, bool sdc) const;
  void add_saved_thresholds(const hdf5::Group& group);
  void add_saved_sdc(const hdf5::Group& group);
  // Forgets the thresholds gathered, to be replaced by what another process merged.
  void clear_thresholds();

 private:
  CalibrationSetup setup_;
  std::vector<std::unique_ptr<ThresholdFitter>> fitters_;
  std::unique_ptr<CurveFitter> curves_;  // where asked for; there is one group then
  std::optional<JointSink> joint_;
  std::deque<ThresholdTable> tables_;  // of stage "sdc": one for each group, which its fitter refers to
  std::vector<std::unique_ptr<SdcFitter>> sdc_fitters_;
};

}  // namespace toptheta
