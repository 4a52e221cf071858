#include "tt_calibrate/fit_result.hpp"

#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "report/thresholds.hpp"
#include "theta/thin_cells.hpp"

namespace toptheta::app {

namespace {

constexpr std::size_t kMostTargets = 3;  // that are spoken of

// Where thresholds stand on few rows.
void warn_of_thin_cells(const ThresholdTable& table, Session& session) {
  std::size_t spoken = 0;
  for (const Target& target : table.targets)
    for (const std::string& thin : describe(thin_cells(target), 1))
      if (spoken++ < kMostTargets) session.console.warn(thin, advice_on_thin_cells(table.meta));
}

}  // namespace

void write_fit_result(const Calibration& calibration, const FitOutput& output, Session& session) {
  for (const std::string& warning : calibration.warnings)
    session.console.warn(warning,
                         "use a smaller k or longer texts, or leave such layers dense with --layer-k");
  warn_of_thin_cells(calibration.table, session);
  const std::string summary =
      format_listing(thresholds_listing(calibration.table, {}), output.summary, layout_of({}));
  write_table(calibration.table, 0, output.path, output.format);
  warn_of_losses(calibration.table, 0, output.format, session);
  write_summary(output.path, summary, session.console.quiet());
}

}  // namespace toptheta::app
