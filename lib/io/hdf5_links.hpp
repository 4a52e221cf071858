// Inside io: ways out of an HDF5 file, which are not followed. A file that others made must not make us read
// any file of the system, and what gives numbers must stand in the provenance.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "io/hdf5.hpp"

namespace toptheta::hdf5 {

// A property list of `kind` (group or data set access) under which external links are not followed, also
// where a soft link leads to one.
Handle link_access(std::int64_t kind);

// Throws InputError with `what`, naming the external link where that was the reason.
[[noreturn]] void fail_opening(const std::string& where, std::string_view what);

// Throws InputError where the data set's elements stand in other files or data sets: external raw storage,
// virtual data sets.
void require_own_storage(std::int64_t dataset, const std::string& where);

}  // namespace toptheta::hdf5
