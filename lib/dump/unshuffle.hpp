// Undoes the byte shuffle of HDF5 and other formats, which stores the first bytes of all elements, then all
// second bytes, and so on.
#pragma once
#include <cstddef>
#include <span>

namespace toptheta {

// `from` holds from.size() / width shuffled elements of `width` bytes; `to` receives them in their original
// form. The sizes must be equal multiples of `width`, and the spans must not overlap. Vectorised for widths
// of 2 and 4 bytes. Time: one pass.
void unshuffle(std::span<const std::byte> from, std::size_t width, std::span<std::byte> to);

}  // namespace toptheta
