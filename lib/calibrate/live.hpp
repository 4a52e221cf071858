// A dump that is still being written -> thresholds.
#pragma once
#include <filesystem>

#include "calibrate/options.hpp"

namespace toptheta {

struct FollowOptions {
  double timeout = 600;       // seconds without a new sample
  double poll = 0.1;          // seconds between two looks
  double until_interval = 0;  // stop once ThresholdFitter::widest_interval() is at most this; 0: never
};

enum class FollowEnd { writer_ended, timed_out, narrow_enough };

struct LiveCalibration {
  Calibration calibration;
  std::int64_t samples = 0;  // used
  FollowEnd end = FollowEnd::writer_ended;
  double widest_interval = 0;
};

// Takes samples as they become complete, in name order, until the writer's end mark, until nothing has come
// for `timeout` seconds, or until all intervals are narrow enough; with offline SDC, goes over the same
// samples again. The same samples give the same thresholds as calibrate_from_dumps() on the finished file.
// Throws UnfinishedError if no sample came in time; InputError for a file that is no live dump, or a sample
// that is not complete.
LiveCalibration calibrate_live(const std::filesystem::path& path, const CalibrationOptions& options,
                               const FollowOptions& follow);

}  // namespace toptheta
