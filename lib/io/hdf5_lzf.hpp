// Inside io: h5py's own compression, compression="lzf", which the HDF5 library does not know.
#pragma once

namespace toptheta::hdf5 {

// Lets the library decode filter 32000, lzf. May be called again.
void register_lzf();

}  // namespace toptheta::hdf5
