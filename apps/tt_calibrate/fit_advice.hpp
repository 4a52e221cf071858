// --precision: how many documents a calibration needs.
#pragma once
#include <cstdint>
#include <vector>

#include "calibrate/row_source.hpp"
#include "common/session.hpp"
#include "theta/table.hpp"

namespace toptheta::app {

// Audits the finished thresholds on the rows that they came from, in one more pass, and notes for each target
// how many documents it takes to know effective k to +-precision (docs/calibration.md, "How many documents").
// `document_of` as in AuditOptions.
void advise_on_documents(RowSource& source, const std::vector<std::int64_t>& document_of,
                         const ThresholdTable& table, double precision, Session& session);

}  // namespace toptheta::app
