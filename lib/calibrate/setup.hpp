// What a calibration computes, regardless of which process computes which share of it. All parts and
// checkpoints of one calibration have equal setups.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "calibrate/options.hpp"
#include "calibrate/row_source.hpp"
#include "io/json_reader.hpp"

namespace toptheta {

struct CalibrationSetup {
  CalibrationOptions options;  // without `progress`
  SourceDescription source;    // without `weights` and `bytes`
  std::int64_t samples = 0;
  std::int64_t weight = 0;  // sum of the samples' weights
};

// The options that describe thresholds become those of a finished table, for SDC terms of its own.
void adopt(CalibrationOptions& options, const ThresholdTable& table);

CalibrationSetup setup_of(const CalibrationOptions& options, const SourceDescription& source);

nlohmann::ordered_json json_from(const CalibrationSetup& setup);
// Throws InputError naming the place of a key that is missing or unknown, or whose value has the wrong type
// or is impossible.
CalibrationSetup setup_from(const JsonValue& json);

// Throws InputError if the setups differ, naming `path` (the file of `found`), `expected_name` (that of
// `expected`) and the first key that differs.
void require_same_setup(const CalibrationSetup& expected, const std::string& expected_name,
                        const CalibrationSetup& found, const std::string& path);

}  // namespace toptheta
