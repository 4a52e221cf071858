// Internal to lib/io: the element types of safetensors files.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "io/safetensors.hpp"

namespace toptheta {

struct TensorTypeInfo {
  TensorType type;
  std::string_view name;  // in the file
  std::int64_t bytes;
};

// Types that the format names and TensorType does not (8-bit floats) are listed as `other`, so that the sizes
// of their tensors can be checked too.
inline constexpr std::array<TensorTypeInfo, 15> kTensorTypes = {{{TensorType::f32, "F32", 4},
                                                                 {TensorType::f16, "F16", 2},
                                                                 {TensorType::bf16, "BF16", 2},
                                                                 {TensorType::f64, "F64", 8},
                                                                 {TensorType::i64, "I64", 8},
                                                                 {TensorType::i32, "I32", 4},
                                                                 {TensorType::i16, "I16", 2},
                                                                 {TensorType::i8, "I8", 1},
                                                                 {TensorType::u64, "U64", 8},
                                                                 {TensorType::u32, "U32", 4},
                                                                 {TensorType::u16, "U16", 2},
                                                                 {TensorType::u8, "U8", 1},
                                                                 {TensorType::boolean, "BOOL", 1},
                                                                 {TensorType::other, "F8_E4M3", 1},
                                                                 {TensorType::other, "F8_E5M2", 1}}};

}  // namespace toptheta
