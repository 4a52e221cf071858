#include "tt_calibrate/fit_result.hpp"

#include "common/output.hpp"
#include "report/thresholds.hpp"

namespace toptheta::app {

void write_fit_result(const Calibration& calibration, const FitOutput& output, Session& session) {
  for (const std::string& warning : calibration.warnings)
    session.console.warn(warning,
                         "use a smaller k or longer texts, or leave such layers dense with --layer-k");
  const std::string summary = format_listing(thresholds_listing(calibration.table, {}), output.summary);
  write_table(calibration.table, 0, output.path, output.format);
  warn_of_lost_curves(calibration.table, output.format, session);
  write_stdout(summary);
}

}  // namespace toptheta::app
