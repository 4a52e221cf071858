// Inside io: turns the HDF5 library's error stack into errors of ours.
#pragma once
#include <string>
#include <string_view>

#include "io/hdf5.hpp"

namespace toptheta::hdf5 {

// Before the first call of the library: no clean-up at exit, and no printing of its error stack. Called
// wherever a file is opened or created.
void prepare_library();

// Throw with the library's innermost reason after `what`, then forget it.
[[noreturn]] void fail_reading(const std::string& where, std::string_view what);
[[noreturn]] void fail_writing(const std::string& where, std::string_view what);

// A handle for the identifier that a library call returned, or the error.
Handle check_reading(std::int64_t id, Handle::Close close, const std::string& where, std::string_view what);
Handle check_writing(std::int64_t id, Handle::Close close, const std::string& where, std::string_view what);

}  // namespace toptheta::hdf5
