// What a format of threshold tables has no room for.
#pragma once
#include "common/session.hpp"
#include "theta/formats/table_formats.hpp"

namespace toptheta::app {

// Warns where the table has curves and the form has no room for them.
void warn_of_lost_curves(const ThresholdTable& table, TableFormat format, Session& session);

}  // namespace toptheta::app
