// The drift between two calibrations, for people and machines.
#pragma once
#include <string>
#include <vector>

#include "calibration/drift.hpp"
#include "core/provenance.hpp"
#include "report/listing.hpp"

namespace toptheta {

struct DriftReport {
  std::string a;  // what was compared: paths
  std::string b;
  Placement placement = Placement::pre_softmax;
  double tolerance = 0.1;
  std::vector<HeadDrift> heads{};
  Provenance provenance{};
};

std::int64_t heads_to_recalibrate(const DriftReport& report);

// Schema "toptheta.drift/1" (docs/formats.md): a row for each k and head. If `most` > 0, only the `most`
// heads that moved most.
Listing drift_listing(const DriftReport& report, std::size_t most = 0);

// "layer 3, head 2", the heads that moved most and need recalibration, at most `most`.
std::string worst_drifts(const DriftReport& report, std::size_t most);

}  // namespace toptheta
