// Internal to lib/io: whether the HDF5 library survives reading a file made by others.
//
// The library trusts what it reads: damaged heaps, indices and messages make it crash, loop forever or use up
// all memory. So a child process first walks the file, touching whatever a reader may touch, with limited
// processor time and memory.
#pragma once
#include <filesystem>
#include <memory>

#include "io/hdf5_values.hpp"

namespace toptheta::hdf5 {

// Throws InputError, naming the file, unless it is a regular file that begins as HDF5 does and that the
// library can walk through within the limits. What the library merely reports as an error is left to whoever
// reads the file next. Time: a fork, and a walk of all objects and attributes without their data, once per
// process and version of the file. `live`: the file is being written; it is walked only once, whatever its
// writer adds.
// Returns the values of attributes; null where the library did not open the file.
std::shared_ptr<const AttributeValues> require_sound_file(const std::filesystem::path& path,
                                                          bool live = false);

}  // namespace toptheta::hdf5
