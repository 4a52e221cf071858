#include "io/gguf_types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <iterator>
#include <utility>

#include "core/half.hpp"

namespace toptheta {

namespace {

using Type = GgufTensorType;

constexpr GgufTypeInfo kGgufTypes[] = {
    // type, name, elements, bytes, group, zero, has least, largest code
    {Type::f32, "F32", 1, 4, 0, 0, false, 0},
    {Type::f16, "F16", 1, 2, 0, 0, false, 0},
    {Type::bf16, "BF16", 1, 2, 0, 0, false, 0},
    {Type::q8_0, "Q8_0", 32, 34, 32, 128, false, 255},
    {Type::q4_0, "Q4_0", 32, 18, 32, 8, false, 15},
    {Type::q4_1, "Q4_1", 32, 20, 32, 0, true, 15},
    {Type::q5_0, "Q5_0", 32, 22, 32, 16, false, 31},
    {Type::q5_1, "Q5_1", 32, 24, 32, 0, true, 31},
    {Type::q2_k, "Q2_K", 256, 84, 16, 0, true, 3},
    {Type::q3_k, "Q3_K", 256, 110, 16, 4, false, 7},
    {Type::q4_k, "Q4_K", 256, 144, 32, 0, true, 15},
    {Type::q5_k, "Q5_K", 256, 176, 32, 0, true, 31},
    {Type::q6_k, "Q6_K", 256, 210, 16, 32, false, 63},
    {Type::iq4_nl, "IQ4_NL", 32, 18, 32, 128, false, 255},
    {Type::mxfp4, "MXFP4", 32, 17, 32, 128, false, 255},
};

// Types that llama.cpp has and this project does not read, so that a message can name them.
constexpr std::pair<std::uint32_t, std::string_view> kOtherTypes[] = {
    {4, "Q4_2"},      {5, "Q4_3"},      {9, "Q8_1"},   {15, "Q8_K"},  {16, "IQ2_XXS"},   {17, "IQ2_XS"},
    {18, "IQ3_XXS"},  {19, "IQ1_S"},    {21, "IQ3_S"}, {22, "IQ2_S"}, {23, "IQ4_XS"},    {24, "I8"},
    {25, "I16"},      {26, "I32"},      {27, "I64"},   {28, "F64"},   {29, "IQ1_M"},     {31, "Q4_0_4_4"},
    {32, "Q4_0_4_8"}, {33, "Q4_0_8_8"}, {34, "TQ1_0"}, {35, "TQ2_0"}, {36, "IQ4_NL_4_4"}};

void widen_quantised(const GgufTypeInfo& info, std::span<const std::byte> bytes, std::span<float> values) {
  GgufBlock block;
  float* to = values.data();
  for (const std::byte* from = bytes.data(); from != bytes.data() + bytes.size(); from += info.bytes) {
    decode_gguf_block(info.type, from, block);
    for (std::size_t i = 0; i < info.elements; ++i) {
      const std::size_t group = i / info.group;
      const float value = block.scales[group] * static_cast<float>(int{block.codes[i]} - info.zero);
      *to++ = info.has_least ? value + block.least[group] : value;
    }
  }
}

template <class Convert>
void widen_16(std::span<const std::byte> bytes, std::span<float> values, const Convert& convert) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes.data() + 2 * i, sizeof bits);
    values[i] = convert(bits);
  }
}

}  // namespace

const GgufTypeInfo* find_gguf_type(std::uint32_t number) {
  const auto found =
      std::find_if(std::begin(kGgufTypes), std::end(kGgufTypes),
                   [&](const GgufTypeInfo& info) { return static_cast<std::uint32_t>(info.type) == number; });
  return found == std::end(kGgufTypes) ? nullptr : found;
}

const GgufTypeInfo& gguf_type_info(GgufTensorType type) {
  const GgufTypeInfo* info = find_gguf_type(static_cast<std::uint32_t>(type));
  assert(info != nullptr);
  return *info;
}

std::string shown_gguf_type(std::uint32_t number) {
  for (const auto& [known, name] : kOtherTypes)
    if (known == number) return fmt::format("{} ({})", name, number);
  return fmt::format("{}", number);
}

std::string readable_gguf_types() {
  std::string names;
  for (const GgufTypeInfo& info : kGgufTypes)
    names += (names.empty() ? "" : ", ") + std::string(info.name);
  return names;
}

void widen_gguf(GgufTensorType type, std::span<const std::byte> bytes, std::span<float> values) {
  const GgufTypeInfo& info = gguf_type_info(type);
  assert(values.size() % info.elements == 0 && bytes.size() == values.size() / info.elements * info.bytes);
  switch (type) {
    case Type::f32:
      if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
      break;
    case Type::f16:
      widen_16(bytes, values, float_from_f16);
      break;
    case Type::bf16:
      widen_16(bytes, values, float_from_bf16);
      break;
    default:
      widen_quantised(info, bytes, values);
  }
}

}  // namespace toptheta
