// A threshold table as comma-separated values, for spreadsheets and plots. Most attributes of the table do
// not fit in; JSON (theta/formats/json.hpp) is the complete text form.
#pragma once
#include <cstdint>
#include <filesystem>

#include "theta/table.hpp"

namespace toptheta {

// Header `layer,head,length,k,theta,std,count,sdc,kept_mass`, and `rho` where it is calibrated; one line per
// entry, ordered by target, layer, head and length. The column k is the k of the target, which -k asked for,
// also in layers that have another k; where heads of a layer differ (tt-calibrate budget), it is the k of the
// head. Where the k of a layer with entries differs from the target's, the column `k_in_force` holds it.
// Where some target has laws for rho, the columns `rho_law_0`, `rho_law_1` and `rho_law_2` hold c0, c1 and c2
// of the head, the same in every line of a head; they are empty where the head has no law.
// Where a table has length bins or positions that are always kept, the last columns are `length_bins`,
// `keep_first` and `keep_recent`, the same in every line. Numbers have the shortest digits that read back the
// same; cells are empty where not calibrated. k = 0 writes all targets. Throws UsageError for a k that the
// table does not have, UnfinishedError if the file cannot be written.
void write_csv(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path);

// Reads lines and columns in any order. The shape is what the lines show: as many layers and heads as the
// largest numbers say, num_kv_heads and head_dim unknown (0); a head without lines is dense. The file does
// not hold the placement either, so the caller gives it; the caller also fills in model and provenance.
// Throws InputError naming file, line and column, also for an unknown column.
ThresholdTable read_csv(const std::filesystem::path& path, Placement placement = Placement::pre_softmax);

}  // namespace toptheta
