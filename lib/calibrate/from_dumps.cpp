#include "calibrate/from_dumps.hpp"

#include "calibrate/dump_source.hpp"
#include "calibrate/run.hpp"

namespace toptheta {

Calibration calibrate_from_dumps(const std::vector<std::filesystem::path>& paths,
                                 const CalibrationOptions& options) {
  DumpSource source(paths);
  return run_calibration(source, options, {}).calibration.value();
}

}  // namespace toptheta
