// Everything that a calibration gathers, pass by pass, and the table made of it.
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

// The k of the setup are divided into groups, each of which shares one pass over the samples: all k form one
// group, but with top-k at calibration each k is a group. Stage "thresholds" takes one pass for each group,
// and so does stage "sdc".
class CalibrationStates {
 public:
  // Throws UsageError for options that cannot be met.
  explicit CalibrationStates(const CalibrationSetup& setup);

  [[nodiscard]] std::size_t groups() const { return fitters_.size(); }
  // The top-k that the model applies while it is observed; 0: none.
  [[nodiscard]] std::int64_t topk_of(std::size_t group) const;
  // Rows of up to this many keys are dense under every k of the group.
  [[nodiscard]] std::int64_t smallest_k(std::size_t group) const;

  [[nodiscard]] const ThresholdFitter& thresholds(std::size_t group) const { return *fitters_[group]; }
  // Takes the rows of stage "thresholds", for the thresholds and, if they are asked for, the curves.
  [[nodiscard]] RowSink& sink(std::size_t group);

  // A table of the thresholds so far, with the curves and without provenance. Throws what
  // ThresholdFitter::table() throws.
  [[nodiscard]] ThresholdTable table() const;
  // Begins stage "sdc" with the thresholds gathered here, or with those of a table, whose file `name` is.
  // Throws UsageError if the table was fitted with other options than the setup's.
  void begin_sdc();
  void begin_sdc(const ThresholdTable& table, const std::string& name);
  [[nodiscard]] SdcFitter& sdc(std::size_t group) { return *sdc_fitters_[group]; }
  // The table of begin_sdc() with the SDC terms gathered since.
  [[nodiscard]] ThresholdTable table_with_sdc() const;

  // What the user should know about the thresholds, in whole sentences.
  [[nodiscard]] std::vector<std::string> warnings() const;
  // The same about the SDC terms of a table_with_sdc().
  [[nodiscard]] std::vector<std::string> sdc_warnings(const ThresholdTable& table) const;

  // Saves the states of the stages asked for, as groups thresholds-<i>, curves-0 and sdc-<i> inside `group`.
  void save(hdf5::Group& group, bool thresholds, bool sdc) const;
  // Adds states that save() wrote. Throws InputError where they do not fit this setup.
  void add_saved_thresholds(const hdf5::Group& group);
  void add_saved_sdc(const hdf5::Group& group);
  // Forgets the thresholds and curves gathered, so that merged ones can be added in their place.
  void clear_thresholds();

 private:
  CalibrationSetup setup_;
  std::vector<std::unique_ptr<ThresholdFitter>> fitters_;
  std::unique_ptr<CurveFitter> curves_;  // if asked for; there is only one group then
  std::optional<JointSink> joint_;       // feeds both, if there are curves
  std::deque<ThresholdTable> tables_;    // of stage "sdc": one per group; its SdcFitter refers to it
  std::vector<std::unique_ptr<SdcFitter>> sdc_fitters_;
};

}  // namespace toptheta
