#include "eval/calibrate_from_dumps.hpp"

#include "eval/calibration_run.hpp"
#include "eval/dump_source.hpp"

namespace toptheta {

Calibration calibrate_from_dumps(const std::vector<std::filesystem::path>& paths,
                                 const CalibrationOptions& options) {
  DumpSource source(paths);
  return run_calibration(source, options, {}).calibration.value();
}

}  // namespace toptheta
