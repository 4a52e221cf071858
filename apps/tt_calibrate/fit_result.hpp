// The end of fit and merge: warnings, the table in its file, and a summary on standard output.
#pragma once
#include <filesystem>

#include "calibrate/options.hpp"
#include "common/session.hpp"
#include "report/format.hpp"
#include "tt_calibrate/table_path.hpp"

namespace toptheta::app {

struct FitOutput {
  std::filesystem::path path;
  TableFormat format = TableFormat::hdf5;
  ResultFormat summary = table_format();
};

void write_fit_result(const Calibration& calibration, const FitOutput& output, Session& session);

}  // namespace toptheta::app
