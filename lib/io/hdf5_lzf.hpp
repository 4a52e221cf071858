// Internal to lib/io: lzf, h5py's own compression (compression="lzf"), which the HDF5 library lacks.
#pragma once

namespace toptheta::hdf5 {

// Registers a decoder of filter 32000, lzf, with the library. May be called repeatedly.
void register_lzf();

}  // namespace toptheta::hdf5
