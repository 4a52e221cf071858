// Reading threshold tables in any of their formats.
#pragma once
#include <filesystem>

#include "core/shape.hpp"
#include "theta/table.hpp"

namespace toptheta::app {

// By extension: .json, .txt (the authors' th.txt, whose placement is the one given), HDF5 for anything else.
ThresholdTable read_any_table(const std::filesystem::path& path, Placement authors_placement);

}  // namespace toptheta::app
