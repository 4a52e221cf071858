// What a format of threshold tables cannot hold.
#pragma once
#include "common/session.hpp"
#include "theta/formats/table_formats.hpp"

namespace toptheta::app {

// Whether some target has laws for the rho of calibrated SDC.
bool has_rho_laws(const ThresholdTable& table);

// Tells the user if a table whose thresholds were changed no longer has the laws that it had before.
void note_lost_laws(const ThresholdTable& before, const ThresholdTable& after, Session& session);

// Warns if the format cannot hold the table's curves, its length bins, or its laws.
void warn_of_losses(const ThresholdTable& table, TableFormat format, Session& session);

}  // namespace toptheta::app
