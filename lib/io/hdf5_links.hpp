// Internal to lib/io: references from an HDF5 file to other files, which are not followed. A file made by
// others must not make the program read any file of the system, and every file that numbers come from must be
// recorded in the provenance.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "io/hdf5.hpp"

namespace toptheta::hdf5 {

// A property list of `kind` (group or data set access) under which external links are not followed, even
// where a soft link leads to one.
Handle link_access(std::int64_t kind);

// Throws InputError with `what`; where an external link was the reason, names the link instead.
[[noreturn]] void fail_opening(const std::string& where, std::string_view what);

// Throws InputError where the elements of the data set lie in other files or data sets (external raw storage,
// a virtual data set).
void require_own_storage(std::int64_t dataset, const std::string& where);

}  // namespace toptheta::hdf5
