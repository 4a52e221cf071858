#include "tt_calibrate/table_path.hpp"

namespace toptheta::app {

void warn_of_lost_curves(const ThresholdTable& table, TableFormat format, Session& session) {
  if (table.curves.empty() || format == TableFormat::hdf5) return;
  session.console.warn("the output has no room for the table's curves: no other k can be found from it",
                       "write .h5 for retarget, or the curves alone with convert --what curve -o curve.csv");
}

}  // namespace toptheta::app
