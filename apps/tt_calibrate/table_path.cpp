#include "tt_calibrate/table_path.hpp"

#include <fmt/format.h>

#include "theta/formats/authors_text.hpp"

namespace toptheta::app {

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
  if (table.curves.empty() || format == TableFormat::hdf5) return;
  session.console.warn("the output format cannot hold the table's curves, so no other k can be found from it",
                       "write .h5 for retarget, or the curves alone with convert --what curve -o curve.csv");
}

}  // namespace toptheta::app
