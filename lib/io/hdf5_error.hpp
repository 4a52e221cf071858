// Internal to lib/io: turns the HDF5 library's error stack into this project's errors.
#pragma once
#include <string>
#include <string_view>

#include "io/hdf5.hpp"

namespace toptheta::hdf5 {

// Prepares the library before its first call: no clean-up at exit, no printing of errors, the lzf filter.
// Called wherever a file is opened or created.
void prepare_library();

// These throw InputError or UnfinishedError: `what` followed by the library's innermost reason. They clear
// the library's error stack.
[[noreturn]] void fail_reading(const std::string& where, std::string_view what);
[[noreturn]] void fail_writing(const std::string& where, std::string_view what);

// A handle for the identifier that a library call returned; throws where the call failed.
Handle check_reading(std::int64_t id, Handle::Close close, const std::string& where, std::string_view what);
Handle check_writing(std::int64_t id, Handle::Close close, const std::string& where, std::string_view what);

}  // namespace toptheta::hdf5
