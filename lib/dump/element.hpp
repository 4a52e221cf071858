// Internal to lib/dump: converting floats to the element type of a dump.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dump/writer.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

hdf5::Element storage_of(DumpElement element);

// The bytes of one element.
std::int64_t size_of(DumpElement element);

// Converts `values`, rounding to nearest, ties to even. out.size() must be values.size() * size_of(element).
// Returns the position of the first value that is not finite after rounding, if there is one.
std::optional<std::size_t> encode(std::span<const float> values, DumpElement element,
                                  std::span<std::byte> out);

// Fills `out` with copies of one value: 0 or -infinity.
void encode_padding(float value, DumpElement element, std::span<std::byte> out);

}  // namespace toptheta
