// A threshold table as comma-separated values, for spreadsheets and plots. It cannot be read back: what the
// table says about itself and the k of single layers do not fit in. JSON (theta/json.hpp) is the lossless
// text form.
#pragma once
#include <cstdint>
#include <filesystem>

#include "theta/table.hpp"

namespace toptheta {

// Header `layer,head,length,k,theta,std,count,sdc,kept_mass`, one line per entry, by target, layer, head and
// length. The column k holds the target's k, what -k asked for, also in layers with a k of their own; where
// heads of a layer differ (tt-calibrate budget), the head's. Numbers have the shortest digits that read back
// the same; cells are empty where not calibrated. k = 0 writes all targets. Throws UsageError for a k that
// the table has not, UnfinishedError if the file cannot be written.
void write_csv(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path);

}  // namespace toptheta
