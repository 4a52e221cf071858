// The element types of GGUF tensors: their names, the layout of their blocks, and how a block's values are
// computed.
//
// A quantised tensor is a sequence of blocks along its last dimension. Within a block each element is a small
// code, and groups of 16 or 32 elements share a scale and, for some types, a least value:
//
//   value = scale * (code - zero) + least
//
// All quantised types of GGUF that this project reads have this form. So one decoder serves both the
// conversion to floats and the repacking for integer products.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace toptheta {

// The values are the numbers in the file.
enum class GgufTensorType : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq4_nl = 20,
  bf16 = 30,
  mxfp4 = 39,
};

// The number of elements in the longest block, and in the shortest group.
inline constexpr std::size_t kLongestGgufBlock = 256;
inline constexpr std::size_t kShortestGgufGroup = 16;

struct GgufTypeInfo {
  GgufTensorType type;
  std::string_view name;       // as llama.cpp writes it: "Q4_1"
  std::uint32_t elements;      // of a block; 1: plain numbers
  std::uint32_t bytes;         // of a block
  std::uint32_t group;         // elements that share a scale; 0: plain numbers
  int zero;                    // the code whose value is `least`
  bool has_least;              // else least is 0
  std::uint32_t largest_code;  // codes are 0 ... largest_code
};

// The type with this number in the file; null where it is not one that is read.
const GgufTypeInfo* find_gguf_type(std::uint32_t number);
const GgufTypeInfo& gguf_type_info(GgufTensorType type);
// A type's number for messages: "IQ2_XXS (16)" where llama.cpp has a type that this project does not read,
// else "16".
std::string shown_gguf_type(std::uint32_t number);
// The names of all types that are read, for messages.
std::string readable_gguf_types();

// The contents of one block.
struct GgufBlock {
  std::array<std::uint8_t, kLongestGgufBlock> codes;
  std::array<float, kLongestGgufBlock / kShortestGgufGroup> scales;  // of each group
  std::array<float, kLongestGgufBlock / kShortestGgufGroup> least;   // where the type has it
};

// Decodes `bytes`, one block of a quantised type. Scales and least values are products of numbers in the
// file; they are exact in float.
void decode_gguf_block(GgufTensorType type, const std::byte* bytes, GgufBlock& block);

// Converts whole blocks (or plain numbers) to floats: bytes.size() == values.size() / elements * (bytes of a
// block). F32, F16 and BF16 are exact. For quantised types the product and the sum of the formula above are
// each rounded to float, in the same order as in ggml's reference.
void widen_gguf(GgufTensorType type, std::span<const std::byte> bytes, std::span<float> values);

}  // namespace toptheta
