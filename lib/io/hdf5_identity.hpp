// Which of a file's names lead to one and the same object: links may.
#pragma once
#include "io/hdf5.hpp"

namespace toptheta::hdf5 {

// The place of the object in its file: the same for all links to it. Throws InputError where the library
// cannot tell.
std::uint64_t address_of(const Object& object);

}  // namespace toptheta::hdf5
