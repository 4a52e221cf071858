// What a format of threshold tables has no room for.
#pragma once
#include "common/session.hpp"
#include "theta/formats/table_formats.hpp"

namespace toptheta::app {

// Warns where the form has no room for the table's curves, or for its length bins.
void warn_of_losses(const ThresholdTable& table, TableFormat format, Session& session);

}  // namespace toptheta::app
