// Internal to lib/io: HDF5 datatypes and the element types of io/hdf5.hpp.
#pragma once
#include <cstdint>
#include <type_traits>

#include "io/hdf5.hpp"

namespace toptheta::hdf5 {

// The element type with the bit layout of this datatype. bfloat16 that is stored as uint16 is u16 here.
Element element_of_type(std::int64_t type);

// A new little-endian datatype; `element` must not be `other`.
Handle file_type(Element element);

// The library's identifier for the machine's own type of this kind; not to be closed.
std::int64_t native_float();
std::int64_t native_double();
std::int64_t native_integer(std::size_t bytes, bool is_signed);

template <class T>
std::int64_t native_type() {
  if constexpr (std::is_same_v<T, float>)
    return native_float();
  else if constexpr (std::is_same_v<T, double>)
    return native_double();
  else
    return native_integer(sizeof(T), std::is_signed_v<T>);
}

}  // namespace toptheta::hdf5
