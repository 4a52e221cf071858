// What a format of threshold tables cannot hold.
#pragma once
#include "common/session.hpp"
#include "theta/formats/table_formats.hpp"

namespace toptheta::app {

// Warns if the format cannot hold the table's curves or its length bins.
void warn_of_losses(const ThresholdTable& table, TableFormat format, Session& session);

}  // namespace toptheta::app
