// The element types of GGUF tensors: their names, their blocks, and what the blocks mean.
//
// A quantised tensor is a sequence of blocks along its last dimension. Inside a block every element is a
// small code, and groups of 16 or 32 elements share a scale and, for some types, a smallest value:
//
//   value = scale * (code - zero) + least
//
// Every quantised type of GGUF that this project reads has this form, so one decoder serves widening to
// floats and repacking for integer products.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace toptheta {

// The numbers are those of the file.
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

// Elements of the longest block.
inline constexpr std::size_t kLongestGgufBlock = 256;
inline constexpr std::size_t kShortestGgufGroup = 16;

struct GgufTypeInfo {
  GgufTensorType type;
  std::string_view name;       // as llama.cpp writes it: "Q4_1"
  std::uint32_t elements;      // of a block; 1: plain numbers
  std::uint32_t bytes;         // of a block
  std::uint32_t group;         // elements that share a scale; 0: plain numbers
  int zero;                    // the code that means `least`
  bool has_least;              // else least is 0
  std::uint32_t largest_code;  // codes are 0 ... largest_code
};

// Null for types that are not read.
const GgufTypeInfo* find_gguf_type(std::uint32_t number);
const GgufTypeInfo& gguf_type_info(GgufTensorType type);
// "IQ2_XXS (16)" for a type that llama.cpp has and this project does not, else "16".
std::string shown_gguf_type(std::uint32_t number);
// The names of all types that are read, for messages.
std::string readable_gguf_types();

// What one block holds.
struct GgufBlock {
  std::array<std::uint8_t, kLongestGgufBlock> codes;
  std::array<float, kLongestGgufBlock / kShortestGgufGroup> scales;  // of each group
  std::array<float, kLongestGgufBlock / kShortestGgufGroup> least;   // where the type has it
};

// `bytes`: one block of a quantised type. Scales and least values are products of what the file holds, and
// exact in float.
void decode_gguf_block(GgufTensorType type, const std::byte* bytes, GgufBlock& block);

// Widens whole blocks (or plain numbers) to floats: bytes.size() == values.size() / elements * bytes of a
// block. F32, F16 and BF16 are exact. Quantised types take the two roundings that the formula above has in
// float arithmetic, in the order of ggml's own reference.
void widen_gguf(GgufTensorType type, std::span<const std::byte> bytes, std::span<float> values);

}  // namespace toptheta
