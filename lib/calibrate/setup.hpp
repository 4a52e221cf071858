// What a calibration computes, apart from who computes which part of it: all parts and checkpoints of one
// calibration agree on it.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "calibrate/options.hpp"
#include "calibrate/row_source.hpp"
#include "io/json_reader.hpp"

namespace toptheta {

struct CalibrationSetup {
  CalibrationOptions options;  // without progress
  SourceDescription source;    // without weights
  std::int64_t samples = 0;
  std::int64_t weight = 0;  // of all samples together
};

CalibrationSetup setup_of(const CalibrationOptions& options, const SourceDescription& source);

nlohmann::ordered_json json_from(const CalibrationSetup& setup);
// Throws InputError with its place where a key is missing or not known, or holds another type or an
// impossible value.
CalibrationSetup setup_from(const JsonValue& json);

// Throws InputError naming `path` and the first thing that differs from `expected`, which belongs to
// `expected_name`.
void require_same_setup(const CalibrationSetup& expected, const std::string& expected_name,
                        const CalibrationSetup& found, const std::string& path);

}  // namespace toptheta
