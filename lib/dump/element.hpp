// Inside dump: floats to the bytes of a dump's element type.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dump/writer.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

hdf5::Element storage_of(DumpElement element);

// Bytes of one element.
std::int64_t size_of(DumpElement element);

// Rounds to nearest even. `out` is exactly as large as needed. Returns the position of the first value that
// is not finite once rounded, if there is one.
std::optional<std::size_t> encode(std::span<const float> values, DumpElement element,
                                  std::span<std::byte> out);

// Fills `out` with one value: 0, or -infinity.
void encode_padding(float value, DumpElement element, std::span<std::byte> out);

}  // namespace toptheta
