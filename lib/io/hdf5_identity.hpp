// Tells whether two names in a file lead to the same object, as links may do.
#pragma once
#include "io/hdf5.hpp"

namespace toptheta::hdf5 {

// The object's address in its file, which is the same for all links to it. Throws InputError where the
// library cannot tell.
std::uint64_t address_of(const Object& object);

}  // namespace toptheta::hdf5
