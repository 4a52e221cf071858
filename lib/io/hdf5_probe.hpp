// Inside io: whether the HDF5 library survives a file that others made.
//
// The library trusts what it reads: damaged heaps, indices and messages make it crash, loop for ever or take
// all memory there is. So a child process walks the file first, touching what a reader may touch, under a
// limit of processor time and memory.
#pragma once
#include <filesystem>

namespace toptheta::hdf5 {

// Throws InputError, naming the file, unless it is a regular file that begins as HDF5 does and that the
// library walks through within its limits. What the library refuses in words is left to whoever reads the
// file next. Time: a fork, and a walk of all objects and attributes without their data, once per process and
// version of the file. `live`: a file that is being written, once whatever its writer adds.
void require_sound_file(const std::filesystem::path& path, bool live = false);

}  // namespace toptheta::hdf5
