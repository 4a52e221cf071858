#include "tt_calibrate/fit_result.hpp"

#include <fmt/format.h>

#include <cmath>

#include "calibration/table_precision.hpp"
#include "common/output.hpp"
#include "report/thresholds.hpp"
#include "theta/thin_cells.hpp"

namespace toptheta::app {

namespace {

constexpr double kWantedPrecision = 0.03;
constexpr std::size_t kMostTargets = 3;  // that are spoken of

// Where thresholds stand on few rows.
void warn_of_thin_cells(const ThresholdTable& table, Session& session) {
  std::size_t spoken = 0;
  for (const Target& target : table.targets)
    for (const std::string& thin : describe(thin_cells(target), 1))
      if (spoken++ < kMostTargets)
        session.console.warn(
            thin,
            "calibrate on more documents of such lengths, use --estimator pooled, or smooth with "
            "tt-calibrate convert --smooth");
}

// How well thresholds are known, and how many documents it takes to know them well.
void advise(const ThresholdTable& table, Session& session) {
  std::size_t spoken = 0;
  for (const Target& target : table.targets) {
    const std::optional<TablePrecision> precision = table_precision(table, target);
    if (!precision || spoken++ == kMostTargets) return;
    const bool curves = !std::isnan(precision->effective_k);
    const double half = curves ? precision->effective_k : precision->weight;
    const auto documents = static_cast<std::int64_t>(std::ceil(precision->rows));
    const std::int64_t needed = documents_for(half, precision->rows, kWantedPrecision);
    session.console.note(fmt::format(
        "-k {}: {} known to ±{:.1f}% (95%, median head) from {:.4g} rows of a length; ±{:.3g}% {}",
        format_k(target.k), curves ? "effective k is" : "the softmax weight at the threshold is", 100 * half,
        precision->rows, 100 * kWantedPrecision,
        needed > documents ? fmt::format("needs {} more documents", needed - documents)
                           : fmt::format("takes {} documents", needed)));
  }
}

}  // namespace

void write_fit_result(const Calibration& calibration, const FitOutput& output, Session& session) {
  for (const std::string& warning : calibration.warnings)
    session.console.warn(warning,
                         "use a smaller k or longer texts, or leave such layers dense with --layer-k");
  warn_of_thin_cells(calibration.table, session);
  advise(calibration.table, session);
  const std::string summary = format_listing(thresholds_listing(calibration.table, {}), output.summary);
  write_table(calibration.table, 0, output.path, output.format);
  warn_of_lost_curves(calibration.table, output.format, session);
  write_stdout(summary);
}

}  // namespace toptheta::app
