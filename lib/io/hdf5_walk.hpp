// Inside io: everything of an HDF5 file that a reader may touch, touched; for a process that may crash at it.
#pragma once

namespace toptheta::hdf5 {

inline constexpr int kWalkDone = 0;       // whether or not the library found something to refuse in data
inline constexpr int kWalkNotOpened = 8;  // it did not even open the file
// Attributes or links cannot be listed. What a reader then finds by name was not walked, and may be anything.
inline constexpr int kWalkBroken = 7;
inline constexpr int kWalkNeedsMemory = 9;  // the library asked for more memory than it got

// Opens every object of the file and reads all attributes, shapes, types, ways of storage and indices of
// chunks. Data are read only where the library alone can decode them and they are small: kWalkedBytes of a
// data set and as much in all. Returns one of the values above; throws nothing. `live`: a file that is being
// written (File::open_live).
int walk_file(const char* path, bool live) noexcept;

inline constexpr long kWalkedBytes = 64L << 20;

}  // namespace toptheta::hdf5
