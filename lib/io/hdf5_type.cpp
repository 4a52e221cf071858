#include "io/hdf5_type.hpp"

#include <hdf5.h>

#include <array>
#include <cassert>

namespace toptheta::hdf5 {

static_assert(std::is_same_v<hid_t, std::int64_t> && std::is_same_v<herr_t, int>);

namespace {

struct ElementInfo {
  std::string_view name;
  std::int64_t size;
};

const ElementInfo& info_of(Element element) {
  static constexpr std::array<ElementInfo, 13> kInfo = {{{"float16", 2},
                                                         {"bfloat16", 2},
                                                         {"float32", 4},
                                                         {"float64", 8},
                                                         {"int8", 1},
                                                         {"int16", 2},
                                                         {"int32", 4},
                                                         {"int64", 8},
                                                         {"uint8", 1},
                                                         {"uint16", 2},
                                                         {"uint32", 4},
                                                         {"uint64", 8},
                                                         {"another type", 0}}};
  return kInfo[static_cast<std::size_t>(element)];
}

// The layout of a floating-point number, in bits counted from the least significant.
struct FloatLayout {
  std::size_t sign = 0;
  std::size_t exponent = 0;
  std::size_t exponent_bits = 0;
  std::size_t mantissa = 0;
  std::size_t mantissa_bits = 0;
  std::size_t bias = 0;
  bool operator==(const FloatLayout&) const = default;
};
constexpr FloatLayout kF16 = {15, 10, 5, 0, 10, 15};
constexpr FloatLayout kBf16 = {15, 7, 8, 0, 7, 127};
constexpr FloatLayout kF32 = {31, 23, 8, 0, 23, 127};
constexpr FloatLayout kF64 = {63, 52, 11, 0, 52, 1023};

Element float_of_type(hid_t type, std::size_t size) {
  FloatLayout layout;
  if (H5Tget_fields(type, &layout.sign, &layout.exponent, &layout.exponent_bits, &layout.mantissa,
                    &layout.mantissa_bits) < 0)
    return Element::other;
  layout.bias = H5Tget_ebias(type);
  if (size == 2 && layout == kF16) return Element::f16;
  if (size == 2 && layout == kBf16) return Element::bf16;
  if (size == 4 && layout == kF32) return Element::f32;
  if (size == 8 && layout == kF64) return Element::f64;
  return Element::other;
}

Element integer_of_type(hid_t type, std::size_t size) {
  const bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
  switch (size) {
    case 1:
      return is_signed ? Element::i8 : Element::u8;
    case 2:
      return is_signed ? Element::i16 : Element::u16;
    case 4:
      return is_signed ? Element::i32 : Element::u32;
    case 8:
      return is_signed ? Element::i64 : Element::u64;
    default:
      return Element::other;
  }
}

hid_t f16_type() {
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  // The fields must be moved before the size can shrink.
  H5Tset_fields(type, kF16.sign, kF16.exponent, kF16.exponent_bits, kF16.mantissa, kF16.mantissa_bits);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, kF16.bias);
  return type;
}

hid_t standard_type(Element element) {
  switch (element) {
    case Element::f32:
      return H5T_IEEE_F32LE;
    case Element::f64:
      return H5T_IEEE_F64LE;
    case Element::i8:
      return H5T_STD_I8LE;
    case Element::i16:
      return H5T_STD_I16LE;
    case Element::i32:
      return H5T_STD_I32LE;
    case Element::i64:
      return H5T_STD_I64LE;
    case Element::u8:
      return H5T_STD_U8LE;
    case Element::bf16:
    case Element::u16:
      return H5T_STD_U16LE;
    case Element::u32:
      return H5T_STD_U32LE;
    default:
      return H5T_STD_U64LE;
  }
}

}  // namespace

std::string_view name_of(Element element) {
  return info_of(element).name;
}

std::int64_t size_of(Element element) {
  return info_of(element).size;
}

Element element_of_type(std::int64_t type) {
  const std::size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      return float_of_type(type, size);
    case H5T_INTEGER:
      return integer_of_type(type, size);
    default:
      return Element::other;
  }
}

Handle file_type(Element element) {
  assert(element != Element::other);
  return {element == Element::f16 ? f16_type() : H5Tcopy(standard_type(element)), H5Tclose};
}

std::int64_t native_float() {
  return H5T_NATIVE_FLOAT;
}

std::int64_t native_double() {
  return H5T_NATIVE_DOUBLE;
}

std::int64_t native_integer(std::size_t bytes, bool is_signed) {
  switch (bytes) {
    case 1:
      return is_signed ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8;
    case 2:
      return is_signed ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16;
    case 4:
      return is_signed ? H5T_NATIVE_INT32 : H5T_NATIVE_UINT32;
    default:
      return is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
  }
}

}  // namespace toptheta::hdf5
