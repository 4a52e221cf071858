// Curves for spreadsheets and scripts: CSV, written only (docs/formats.md).
#pragma once
#include <filesystem>

#include "theta/table.hpp"

namespace toptheta {

// One line for each bin that is not empty: layer, head, shortest, longest (row lengths seen in the length
// bin), rows, lower, upper (edges of the value bin), count (elements), mass (softmax mass, of all rows
// together); ascending by layer, head, length bin and edge. Exact: numbers read back as the same doubles.
// Of a table without curves, the header alone. Throws UnfinishedError.
void write_curve_csv(const ThresholdTable& table, const std::filesystem::path& path);

}  // namespace toptheta
