// What a format of threshold tables cannot hold.
#pragma once
#include "common/session.hpp"
#include "theta/formats/table_formats.hpp"

namespace toptheta::app {

// Whether some target has laws for the rho of calibrated SDC.
bool has_rho_laws(const ThresholdTable& table);

// Tells the user if a table whose thresholds were changed no longer has the laws, or no longer any rho, that
// it had before.
void note_lost_laws(const ThresholdTable& before, const ThresholdTable& after, Session& session);
void note_lost_rho(const ThresholdTable& before, const ThresholdTable& after, Session& session);

// Warns of what the format cannot hold: the table's curves, its length bins, laws and kept positions, and, in
// a th.txt, several thresholds for the same layer, head and k. `k` is the target that is written; 0: all.
void warn_of_losses(const ThresholdTable& table, std::int64_t k, TableFormat format, Session& session);

}  // namespace toptheta::app
