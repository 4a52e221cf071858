// A threshold table as comma-separated values, for spreadsheets and plots. What the table says about itself
// does not fit in: JSON (theta/formats/json.hpp) is the lossless text form.
#pragma once
#include <cstdint>
#include <filesystem>

#include "theta/table.hpp"

namespace toptheta {

// Header `layer,head,length,k,theta,std,count,sdc,kept_mass`, and `rho` where it is calibrated; one line per
// entry, by target, layer, head and length. The column k holds the target's k, what -k asked for, also in
// layers with a k of their own; where heads of a layer differ (tt-calibrate budget), the head's. Where layers
// with entries have a k of their own, a last column `k_in_force` says which. Numbers have the shortest digits
// that read back the same; cells are empty where not calibrated. k = 0 writes all targets. Throws UsageError
// for a k that the table has not, UnfinishedError if the file cannot be written.
void write_csv(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path);

// Lines and columns in any order. The shape is what the lines show: layers and heads up to the largest
// number, num_kv_heads and head_dim unknown (0); a head without lines is dense. `placement` is not in the
// file either; the caller fills in model and provenance. Throws InputError naming file, line and column, also
// for a column that is not known.
ThresholdTable read_csv(const std::filesystem::path& path, Placement placement = Placement::pre_softmax);

}  // namespace toptheta
