// Undoes the byte shuffle of HDF5 and others: all first bytes of the elements, then all second bytes, ...
#pragma once
#include <cstddef>
#include <span>

namespace toptheta {

// `from` holds from.size() / width elements of `width` bytes, shuffled; `to` gets them as they were. The
// sizes are equal multiples of width; the spans must not overlap. Vectorised for 2 and 4 bytes. Time: one
// pass.
void unshuffle(std::span<const std::byte> from, std::size_t width, std::span<std::byte> to);

}  // namespace toptheta
