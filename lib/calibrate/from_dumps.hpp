// Fits thresholds to attention dumps.
#pragma once
#include <filesystem>
#include <vector>

#include "calibrate/options.hpp"

namespace toptheta {

// Streams every sample of every file, in the order given, one layer of one sample at a time. Files must agree
// on the model's shape and on what they hold. Rows are drawn per sample, from the query positions of all of
// its layers; every layer and head uses the same positions. Throws InputError for files that do not fit each
// other, UsageError for options that cannot be met: pre-softmax thresholds from a dump of softmax weights, a
// k that no row is longer than, ...
Calibration calibrate_from_dumps(const std::vector<std::filesystem::path>& paths,
                                 const CalibrationOptions& options);

}  // namespace toptheta
