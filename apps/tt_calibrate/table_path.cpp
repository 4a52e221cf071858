#include "tt_calibrate/table_path.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "theta/formats/authors_text.hpp"

namespace toptheta::app {

bool has_rho_laws(const ThresholdTable& table) {
  return std::any_of(table.targets.begin(), table.targets.end(),
                     [](const Target& target) { return target.has_rho_laws(); });
}

void note_lost_laws(const ThresholdTable& before, const ThresholdTable& after, Session& session) {
  if (has_rho_laws(before) && !has_rho_laws(after))
    session.console.note(
        "the new thresholds have no law for rho, because that belongs to the thresholds it was fitted with; "
        "to get one, calibrate again with --rho-law");
}

void note_lost_rho(const ThresholdTable& before, const ThresholdTable& after, Session& session) {
  if (before.has_rho() && !after.has_rho())
    session.console.note(
        "the new thresholds have no rho, because that belongs to the thresholds it was fitted with; to get "
        "one, run tt-calibrate fit --sdc calibrated --sdc-from with the new table");
}

void warn_of_losses(const ThresholdTable& table, std::int64_t k, TableFormat format, Session& session) {
  if (format == TableFormat::authors_text)
    if (const std::string lost = describe_lost_lines(table, k); !lost.empty())
      session.console.warn(lost, "write .h5, .json or .csv, or a th.txt for each k: tt-calibrate convert -k");
  if (table.meta.length_bins > 0 && format == TableFormat::authors_text)
    session.console.warn(
        "a th.txt does not record that its entries stand for length bins: its readers take the entry of the "
        "nearest length, while other formats are interpolated",
        "write .h5, .json or .csv, or an entry for every length with tt-calibrate convert --smooth 0");
  if (table.meta.kept.any() && format == TableFormat::authors_text)
    session.console.warn(fmt::format("a th.txt does not record that its thresholds are for use with {}",
                                     describe(table.meta.kept)),
                         "write .h5, .json or .csv");
  if (has_rho_laws(table) && format == TableFormat::authors_text)
    session.console.warn("a th.txt cannot hold rho, nor the laws for it, which calibrated SDC needs",
                         "write .h5, .json or .csv");
  if (table.curves.empty() || format == TableFormat::hdf5) return;
  session.console.warn("the output format cannot hold the table's curves, so no other k can be found from it",
                       "write .h5 for retarget, or the curves alone with convert --what curve -o curve.csv");
}

}  // namespace toptheta::app
