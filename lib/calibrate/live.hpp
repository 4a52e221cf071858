// Fits thresholds to a dump that is still being written.
#pragma once
#include <filesystem>

#include "calibrate/options.hpp"

namespace toptheta {

struct FollowOptions {
  double timeout = 600;       // seconds to wait for a new sample
  double poll = 0.1;          // seconds between two looks at the file
  double until_interval = 0;  // stop once ThresholdFitter::widest_interval() is at most this; 0: never
};

enum class FollowEnd { writer_ended, timed_out, narrow_enough };

struct LiveCalibration {
  Calibration calibration;
  std::int64_t samples = 0;  // samples used
  FollowEnd end = FollowEnd::writer_ended;
  double widest_interval = 0;  // ThresholdFitter::widest_interval() at the end
};

// Takes samples as they become complete, in name order, until the writer sets its end mark, until no sample
// has come for `timeout` seconds, or until all intervals are narrow enough. With SDC, it then goes over the
// same samples again. The same samples give the same thresholds as calibrate_from_dumps() on the finished
// file. Throws UnfinishedError if there was no sample to use, InputError for a file that is no live dump, or
// for a sample that is not complete although the file says so.
LiveCalibration calibrate_live(const std::filesystem::path& path, const CalibrationOptions& options,
                               const FollowOptions& follow);

}  // namespace toptheta
