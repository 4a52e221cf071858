// Curves as CSV for spreadsheets and scripts; written only (docs/formats.md).
#pragma once
#include <filesystem>

#include "theta/table.hpp"

namespace toptheta {

// One line for each bin that is not empty, with layer, head, shortest and longest (the row lengths that
// occurred in the length bin), rows, lower and upper (the edges of the value bin), count (elements) and mass
// (softmax mass of all rows together). The lines ascend by layer, head, length bin and edge. All numbers are
// exact: they read back as the same doubles. A table without curves gives the header alone. Throws
// UnfinishedError.
void write_curve_csv(const ThresholdTable& table, const std::filesystem::path& path);

}  // namespace toptheta
