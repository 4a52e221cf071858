// Internal to lib/io: touches everything in an HDF5 file that a reader may touch, in a process that may
// crash.
#pragma once
#include "io/hdf5_values.hpp"

namespace toptheta::hdf5 {

inline constexpr int kWalkDone = 0;       // also where the library refused some of the data
inline constexpr int kWalkNotOpened = 8;  // the library did not open the file
// Attributes or links of an object cannot be listed. What a reader would then find by name was not walked.
inline constexpr int kWalkBroken = 7;
inline constexpr int kWalkNotSent = 6;      // what it found could not be sent to the reader
inline constexpr int kWalkNeedsMemory = 9;  // the library asked for more memory than it got

// Opens every object of the file and reads all attributes, shapes, types, storage layouts and chunk indices.
// Data are read only where the library alone can decode them and they are small: at most kWalkedBytes of all
// data sets together. Returns one of the values above; never throws. `live`: the file is being written
// (File::open_live). `values` receives what attributes hold, up to kWalkedBytes of text.
int walk_file(const char* path, bool live, AttributeValues& values) noexcept;

inline constexpr long kWalkedBytes = 64L << 20;

}  // namespace toptheta::hdf5
